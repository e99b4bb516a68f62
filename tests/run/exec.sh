#!/bin/sh
# SPDX-License-Identifier: MIT
# exec.sh - a program that executes itself, from its leader or from another
# thread, also while psample attaches.
#
# Breaks if mappings are not read anew, if the vanished threads are waited
# for, or if nobody reaps while PTRACE_SEIZE is in progress.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 11
requires_ptrace
profile=$scratch/profile

for from in leader thread; do
	rm -f "$profile"
	"$PSAMPLE" -F 500 -f folded -o "$profile" -- \
		"$programs/exec_chain" $from 5 100 \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	check_equal "exec from the $from: the last image's status" $? 6
	check "exec from the $from: time before it is kept" within \
		"$(folded_share "$profile" before_exec any)" 52 73
	check "exec from the $from: time after it is named" within \
		"$(folded_share "$profile" after_exec any)" 27 48
	check "exec from the $from: the total is right" within \
		"$(folded_total "$profile")" 770000000 900000000
done

# A storm of execs while psample attaches: it must come back in time, and
# the program must come to its end.
came_back=0
for try in 1 2 3 4 5; do
	start_background "$programs/exec_chain" thread 400 3
	timeout -k 1 20 "$PSAMPLE" -q -F 1000 -d 0.5 -f folded -o "$profile" \
		-p "$target_pid" >"$scratch/out" 2>"$scratch/err" </dev/null
	case $? in
	0) came_back=$((came_back + 1)) ;;
	*) diag "try $try: status $?"; diag_file "$scratch/err" ;;
	esac
	last=$target_pid
	[ "$try" = 5 ] || stop_target "$last"
done
check_equal "attaching in a storm of execs works five times" "$came_back" 5
check "the program goes on after the detach" makes_progress "$last"
check "and it is not traced" wait_until 5 is_untraced "$last"
finish
