#!/bin/sh
# SPDX-License-Identifier: MIT
# stacks.sh - deep stacks are whole, threads keep their names, and libraries
# that take turns at one address keep theirs.
#
# Breaks if the copy of the stack or the walk is cut at some depth, if
# --by-thread labels by the name at birth, or if names and rows are kept by
# address alone.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 16
requires_ptrace
profile=$scratch/profile

frames_of() { # FUNCTION: the most of its frames in one stack
	awk -F ';' -v name="$1" '{
		n = 0
		for (i = 1; i <= NF; i++)
			n += $i == name
		if (n > most)
			most = n
	} END { print most + 0 }' "$profile"
}

"$PSAMPLE" -F 250 -f folded -o "$profile" -- "$programs/deep_recursion" \
	10000 1500 >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "a deep recursion ends well" $? 0
check_equal "10,000 frames are all there" "$(frames_of descend)" 10000
check "they carry the time, in one stack" within \
	"$(folded_match "$profile" 'main;descend;.*;bottom')" 90 100
"$PSAMPLE" -F 250 --max-depth 100 -f folded -o "$profile" -- \
	"$programs/deep_recursion" 10000 500 \
	>"$scratch/out" 2>"$scratch/err" </dev/null
check "--max-depth cuts" within "$(frames_of descend)" 90 100
check "what is cut says so at its root" within \
	"$(folded_match "$profile" '[[]truncated[]]')" 85 100

# It blocks once, the first copy of its stack is too short, and it runs no more.
"$PSAMPLE" -e wall -f folded -o "$profile" -- "$programs/deep_recursion" \
	10000 1000 sleep >"$scratch/out" 2>"$scratch/err" </dev/null
check "a deep stack that blocks for good is copied again" within \
	"$(folded_match "$profile" 'main;descend;.*;descend;rest')" 85 100

# --- threads ----------------------------------------------------------
"$PSAMPLE" -F 500 --by-thread -f folded -o "$profile" -- \
	"$programs/threads" 150 >"$scratch/out" 2>"$scratch/err" </dev/null
for part in alpha:10 beta:20 gamma:30 delta:40; do
	check "thread ${part%:*} has its share, under its name" is_near \
		"$(folded_match "$profile" \
			"^${part%:*}[^;]*;.*hot_${part%:*}")" "${part#*:}" 8
done
check "no thread has the function of another" [ "$(grep hot_ "$profile" |
	grep -cv '^\([a-z]*\)[^;]*;.*hot_\1')" = 0 ]
check "the summary counts five threads" \
	grep -q '[^0-9]5 threads' "$scratch/err"

# --- libraries --------------------------------------------------------
if [ -e "$programs/dlopen_plugin_a.so" ]; then
	"$PSAMPLE" -F 200 -f folded -o "$profile" -- \
		"$programs/dlopen_loop" "$programs/dlopen_plugin_a.so" \
		"$programs/dlopen_plugin_b.so" 4.5 \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	check_equal "libraries that come and go: it ends well" $? 0
	grep 'same place' "$scratch/out" | sed 's/^/# /'
	# Up to a second of 2.5 may pass until a change at one address is
	# noticed; what has the name of the first meanwhile is not lost.
	check "the first library has its half, or a second more" within \
		"$(folded_share "$profile" a_hot any)" 45 75
	check "the second library has its half, or a second less" within \
		"$(folded_share "$profile" b_hot any)" 25 55
	check "their stacks reach the root" within \
		"$(summary_rooted "$scratch/err")" 97 100
else
	for name in 'it ends well' 'first half' 'second half' 'roots'; do
		skip "libraries that come and go: $name" \
			"the plugins are not built"
	done
fi
finish
