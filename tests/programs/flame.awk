# SPDX-License-Identifier: MIT
# flame.awk - folded stacks as a flame of text, roots first, widest first.
#
# Input: "root;caller;leaf 12". A frame below 2 % is left out; depth is shown
# by indentation, width by a bar of at most 40 marks.
BEGIN {
	threshold = 0.02
	width = 40
}

{
	value = $NF
	stack = $0
	sub(/ [0-9]+$/, "", stack)
	total += value
	n = split(stack, frames, ";")
	path = ""
	for (i = 1; i <= n; i++) {
		parent = path
		path = path ";" frames[i]
		if (!(path in sum)) {
			name[path] = frames[i]
			child[parent, ++n_children[parent]] = path
		}
		sum[path] += value
	}
}

function bar(share,	text, i)
{
	text = ""
	for (i = 0; i < int(share * width + 0.5); i++)
		text = text "#"
	return text
}

# The widest child of a path that was not shown yet.
function next_child(path,	best, i, c)
{
	best = ""
	for (i = 1; i <= n_children[path]; i++) {
		c = child[path, i]
		if (!(c in is_shown) && (best == "" || sum[c] > sum[best]))
			best = c
	}
	return best
}

function show(path, depth,	c, label)
{
	while ((c = next_child(path)) != "") {
		is_shown[c] = 1
		if (sum[c] < threshold * total)
			continue
		label = sprintf("%" (2 * depth) "s%s", "", name[c])
		printf "%5.1f%%  %-34s %s\n", 100 * sum[c] / total, label, \
			bar(sum[c] / total)
		show(c, depth + 1)
	}
}

END {
	if (total > 0)
		show("", 0)
}
