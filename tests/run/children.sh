#!/bin/sh
# SPDX-License-Identifier: MIT
# children.sh - children are followed through fork, vfork and exec, and stay
# apart from their parents.
#
# Breaks if a child's first instructions run untraced for long, if an exec
# keeps the old mappings, or if --no-children does not let children go.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 15
requires_ptrace
profile=$scratch/profile

"$PSAMPLE" -F 500 -f folded -o "$profile" -- "$programs/fork_tree" 400 \
	>"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "the parent's status is that of the run" $? 7
check_equal "the parent sees the statuses of its children" \
	"$(cat "$scratch/out")" "forked 3 grandchild 4 execed 5"
for part in parent_hot:16.7 forked_hot:33.3 grandchild_hot:16.7 \
	execed_hot:33.3; do
	check "${part%:*} has its share of the family's time" is_near \
		"$(folded_share "$profile" "${part%:*}" any)" "${part#*:}" 8
done
check "the total is that of the whole family" within \
	"$(folded_total "$profile")" 2300000000 2600000000
check "the summary counts four processes" \
	grep -q '[^0-9]4 processes' "$scratch/err"

# Processes are the first frame: no stack may name two of the functions.
hot_roots() { # the distinct first frames of stacks with a hot function
	grep '_hot' "$profile" | sed 's/;.*//' | sort -u | wc -l
}
check "stacks of different processes stay apart" [ "$(hot_roots)" -ge 1 ]
check "no stack mixes two processes" \
	[ "$(grep -c '_hot.*;.*_hot;.*_hot' "$profile")" = 0 ]

rm -f "$profile"
"$PSAMPLE" --no-children -F 500 -f folded -o "$profile" -- \
	"$programs/fork_tree" 400 >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "--no-children: all ends as before" \
	"$?:$(cat "$scratch/out")" "7:forked 3 grandchild 4 execed 5"
check "--no-children: only the parent is in the profile" [ \
	"$(grep -c 'forked_hot\|grandchild_hot\|execed_hot' "$profile")" = 0 ]
check "--no-children: the parent has all of it" within \
	"$(folded_share "$profile" parent_hot any)" 85 100

# Attached: children that are born later are followed, older ones are not.
# The shell below has one child already and starts the next when told to.
cat >"$scratch/family" <<EOS
"$programs/truth" one 60 >/dev/null &
older=\$!
echo ready
until [ -e "$scratch/go" ]; do sleep 0.05; done
"$programs/threads" 100 &
wait \$!
kill \$older
exit 0
EOS
start_target sh "$scratch/family"
rm -f "$profile"
"$PSAMPLE" -F 500 -f folded -o "$profile" -p "$target_pid" \
	2>"$scratch/err" </dev/null 9>&- &
sampler=$!
wait_until 10 is_traced "$target_pid"
: >"$scratch/go"
wait "$sampler"
check "attached: a child born later is followed" within \
	"$(folded_share "$profile" hot_delta any)" 25 55
check_equal "attached: an older child is not" \
	"$(folded_share "$profile" f any)" 0.00
finish
