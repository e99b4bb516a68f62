# SPDX-License-Identifier: MIT
# judge_real.awk - what can be said of the profile of a program whose truth is
# not known, from "psample raw":
#	samples rooted named lined hot unsampled
# of all time that is not [unsampled], the last value of a sample counting:
#	rooted	whose stacks have no marker of a walk cut short
#	named	whose leaf has the name of a function
#	lined	whose leaf has a line
#	hot	with a frame that matches the regex hot
# Into the file unnamed: "PERCENT FILE" for the mapped files of other leaves.
function name_of(text) {
	sub(/^ *[0-9]+: 0x[0-9a-f]* (M=[0-9]+ )?(\[F\] )?/, "", text)
	sub(/^ +/, "", text)
	return text
}
/^Samples:/ { part = "samples"; next }
/^Locations/ { part = "locations"; next }
/^Mappings/ { part = "mappings"; next }
part == "mappings" && /^[0-9]+: 0x/ {
	file[$1 + 0] = $3
	next
}
part == "samples" && /^ *[0-9]+( +[0-9]+)*: [0-9 ]*$/ {
	line[++n_samples] = $0
	next
}
part == "locations" && /^ *[0-9]+: 0x/ {
	id = $1 + 0
	leaf[id] = name_of($0)
	if (match($0, /M=[0-9]+/))
		mapping[id] = substr($0, RSTART + 2, RLENGTH - 2) + 0
}
part == "locations" { all[id] = all[id] ";" name_of($0) }
END {
	for (s = 1; s <= n_samples; s++) {
		ids = line[s]
		sub(/^[^:]*:/, "", ids)
		sub(/:.*/, "", line[s])
		k = split(line[s], value, " ")
		w = value[k]
		n = split(ids, id_of, " ")
		samples += value[1]
		first = leaf[id_of[1]]
		if (first ~ /^\[unsampled\]/) {
			unsampled += w
			continue
		}
		total += w
		path = ""
		for (i = n; i > 0; i--)
			path = path all[id_of[i]]
		if (path !~ /;\[(truncated|frame pointer unknown)\]/)
			rooted += w
		else if (verbose)
			print w, substr(path, 1, 300) >"/dev/stderr"
		if (first !~ /^$|^\[|^[^ ]*\+0x[0-9a-f]+ /)
			named += w
		else
			without[mapping[id_of[1]]] += w
		if (first ~ /:[1-9][0-9]*:[0-9]+ s=/)
			lined += w
		if (path ~ hot)
			in_hot += w
	}
	if (!total)
		total = 1e-9
	for (m in without)
		print 100 * without[m] / total, file[m] >unnamed
	printf "%d %.1f %.1f %.1f %.1f %.1f\n", samples, \
		100 * rooted / total, 100 * named / total, \
		100 * lined / total, 100 * in_hot / total, \
		100 * unsampled / (total + unsampled)
}
