# SPDX-License-Identifier: MIT
# judge.awk - holds a profile, as text by "psample raw", against the plan.
#
#	awk -f judge.awk -v root=RE -v link=RE -v threads=RE MARKS RAW
#
# MARKS has "FILE:LINE NAME" for each marked line of the sources. The last
# value of a sample counts. Printed are, as percentages but the first:
#	samples rooted named f lines inlines unsampled marked
# f, lines and inlines are of the time in f and g, the others of all time,
# without what is [unsampled].
#	rooted	no marker of a walk cut short, a frame of root, and where f or
#		g runs, link: who called them
#	named	the leaf is f or g, or what they are allowed to call; with
#		any=1 also any other function, by its name: runtimes take time
#		for themselves
function plain(name) {
	if (name ~ /^\[/)
		return name
	if (sub(/^py::/, "", name))
		sub(/:.*/, "", name)
	if (name ~ /^JS:/)
		sub(/ .*/, "", name)
	sub(/^JS:[*~^+]?/, "", name)
	sub(/::\{+(closure|async_fn).*$/, "", name)
	while (gsub(/<[^<>]*>/, "", name))
		;
	sub(/ ?[([].*$/, "", name)
	sub(/(::)+$/, "", name)
	sub(/^.*[ .:]/, "", name)
	return name
}
function base(file) {
	sub(/^.*\//, "", file)
	return file
}
function add_line(id, text,	at) {
	if (!match(text, / [^ ]*:[0-9]+:[0-9]+ s=-?[0-9]+(\(.*\))?$/))
		return
	at = substr(text, RSTART + 1, RLENGTH - 1)
	sub(/:[0-9]+ s=.*$/, "", at)
	text = substr(text, 1, RSTART - 1)
	sub(/^ +/, "", text)
	fn[id, n[id]] = plain(text)
	is_named[id, n[id]] = text !~ /^$|^\[|\+0x[0-9a-f]+$/
	place[id, n[id]++] = base(at)
}
FILENAME == ARGV[1] { is_marked[$2, $1] = 1; next }
/^Samples:/ { part = "samples"; next }
/^Locations/ { part = "locations"; next }
/^Mappings/ { part = ""; next }
part == "samples" && /^ *[0-9]+( +[0-9]+)*: [0-9 ]*$/ {
	text = $0
	sub(/:.*/, "", text)
	k = split(text, value, " ")
	sub(/^[^:]*: */, "")
	n_samples++
	count[n_samples] = value[1]
	weight[n_samples] = value[k]
	ids[n_samples] = $0
	next
}
part == "locations" && /^ *[0-9]+: 0x/ {
	id = $1 + 0
	n[id] = 0
	sub(/^ *[0-9]+: 0x[0-9a-f]* (M=[0-9]+ )?(\[F\] )?/, "")
	add_line(id, " " $0)
	next
}
part == "locations" { add_line(id, $0) }

# The frames of one stack, root first, into frame[] and at[]
function unfold(list,	k, i, j, id, path) {
	depth = 0
	k = split(list, id, " ")
	has_leaf = is_named[id[1], 0]
	for (i = k; i > 0; i--) {
		if (!n[id[i]]) {
			frame[++depth] = "?"
			at[depth] = ""
		}
		for (j = n[id[i]] - 1; j >= 0; j--) {
			frame[++depth] = fn[id[i], j]
			at[depth] = place[id[i], j]
		}
	}
	for (i = 1; i <= depth; i++)
		path = path (i > 1 ? ";" : "") frame[i]
	return path
}
function lines_are_right(who,	i, inner) {
	for (i = depth; i > 1; i--)
		if (frame[i] == who)
			break
	if (!((frame[i - 1] ":" who, at[i - 1]) in is_marked))
		return 0
	inner = i < depth && frame[i + 1] == who "_inner" ? i + 1 : i
	return ((frame[inner], at[inner]) in is_marked)
}
END {
	for (s = 1; s <= n_samples; s++) {
		samples += count[s]
		w = weight[s]
		path = unfold(ids[s])
		if (path ~ /\[unsampled\]/) {
			unsampled += w
			continue
		}
		total += w
		cut = path ~ /\[truncated\]|\[frame pointer unknown\]/
		if (cut)
			marked += w
		who = path ~ /(^|;)f(;|$)/ ? "f" : \
			path ~ /(^|;)g(;|$)/ ? "g" : ""
		if (!cut && path ~ "(^|;)(" root ")(;|$)" &&
		    (who == "" || path ~ "(^|;)(" link ")(;|$)"))
			rooted += w
		else if (verbose)
			print w, cut ? "cut" : "", path >"/dev/stderr"
		if (who == "") {
			if (any && has_leaf)
				named += w
			else if (any && verbose)
				print w, "leaf", path >"/dev/stderr"
			continue
		}
		hot += w
		if (path ~ "(^|;)" who "(;" who "_inner)?(;(" calls "))?$")
			named += w
		else if (verbose)
			print w, "leaf", path >"/dev/stderr"
		if (who == "f")
			in_f += w
		if (lines_are_right(who))
			lines += w
		else if (verbose)
			print w, "lines", path, at[depth - 1], at[depth] \
				>"/dev/stderr"
		if (path ~ who ";" who "_inner")
			inlines += w
	}
	if (!total)
		total = hot = 1e-9
	if (!hot)
		hot = 1e-9
	printf "%d %.1f %.1f %.1f %.1f %.1f %.1f %.1f\n", samples, \
		100 * rooted / total, 100 * named / total, \
		100 * in_f / hot, 100 * lines / hot, 100 * inlines / hot, \
		100 * unsampled / (total + unsampled), 100 * marked / total
}
