#!/bin/sh
# SPDX-License-Identifier: MIT
# storms.sh - programs that are hard to follow, or that mean harm: each run
# ends in time and leaves the target as it was. Long forms, with throughput:
# tests/campaign/{storms,hostile}.sh.
#
# Breaks if an event about a birth that comes after the child's end makes an
# entry that never goes away, if a process whose first thread has ended is
# waited for, or if a stack that blocks its reader is read.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 21
requires_ptrace
profile=$scratch/profile
chmod 777 "$scratch"

as_user() {
	if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

# PREFIX... of a storm: KIND, SECONDS; it must end by itself.
storm() { # NAME KIND SECONDS [PREFIX]
	rm -f "$profile"
	${4:-} timeout -s KILL 20 "$PSAMPLE" -F 1000 -f folded -o "$profile" \
		-- "$programs/storm" "$2" "$3" >"$scratch/out" \
		2>"$scratch/err" </dev/null
	check_equal "$1" "$? $(sed -n 's/.*wrong //p' "$scratch/out")" "0 0" ||
		diag_file "$scratch/err"
}

storm "threads that end at once" clone 0.2

# 100 make a storm; then some at each of 15 ticks.
timeout -s KILL 20 "$PSAMPLE" -F 50 -f folded -o "$profile" -- \
	"$programs/storm" clone 0.3 >"$scratch/out" 2>"$scratch/err" </dev/null
n_done=$(sed -n 's/.* done \([0-9]*\).*/\1/p' "$scratch/out")
n_seen=$(sed -n 's/.*; 1 process, \([0-9]*\) threads*$/\1/p' "$scratch/err")
diag "$n_seen of $n_done threads were seen"
check "in a storm their makers do not stop for each" within "$n_seen" 1 \
	$((250 + n_done / 4))
storm "children that end at once" fork 0.2
storm "the same, of an ordinary user" fork 0.6 as_user
storm "children that execute programs" vfork 0.2
storm "a thread that renames itself all the time" names 0.1

rm -f "$profile"
timeout -s KILL 20 "$PSAMPLE" -F 500 -f folded -o "$profile" -- \
	"$programs/storm" exec 0.3 >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "one of many threads that nobody told of executes a program" $? 7 ||
	diag_file "$scratch/err"
check "which is sampled" within "$(folded_share "$profile" f any)" 70 100

rm -f "$profile"
timeout -s KILL 20 "$PSAMPLE" -F 500 -f folded -o "$profile" -- \
	"$programs/storm" leader 0.3 >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "a program whose first thread ends first ends with its status" \
	$? 5
check "and its other threads are sampled" within \
	"$(folded_share "$profile" leaderless_hot any)" 80 100
start_target "$programs/storm" leader 0.6
is_leaderless() {
	[ "$(process_state "$target_pid")" = Z ]
}
wait_until 5 is_leaderless
timeout -s KILL 20 "$PSAMPLE" -F 500 -f folded -o "$profile" \
	-p "$target_pid" >"$scratch/err" 2>&1 </dev/null
check_equal "attached when its first thread is gone, the run ends with it" \
	$? 0 || diag_file "$scratch/err"
check "and the others are sampled" within \
	"$(folded_share "$profile" leaderless_hot any)" 80 100

unshare=$(command -v unshare)
[ "$(id -u)" = 0 ] || unshare="$unshare -U -r"
name="a program's status is its own, not that of who has its number later"
$unshare -p -f --mount-proc sh -c '"$1" -q -f folded -o "$2" -- "$3" reused
	echo "ended with $?"' sh "$PSAMPLE" "$profile" "$programs/storm" \
	>"$scratch/out" 2>"$scratch/err" </dev/null
if grep -qx reused "$scratch/err"; then
	check_equal "$name" "$(tail -n 1 "$scratch/out")" "ended with 3"
else
	skip "$name" "no pid namespace here: $(tail -n 1 "$scratch/err")"
fi
storm "what is left of a daemon is sampled to its end" daemon 0.2
check "in its own function" within "$(folded_share "$profile" f any)" 70 100

# Attached for 0.2 s: it must be over in time, and the target goes on.
hostile() { # KIND NAME
	start_target "$programs/hostile" "$1" 60
	if grep -q unavailable "$target_out"; then
		skip "$2" "$(sed -n 's/unavailable: //p' "$target_out")"
		return
	fi
	start_ms=$(date +%s%3N)
	timeout -s KILL 20 "$PSAMPLE" -F 500 -d 0.2 -f folded -o "$profile" \
		-p "$target_pid" >"$scratch/err" 2>&1 </dev/null
	status=$?
	took=$(($(date +%s%3N) - start_ms))
	diag "$1: $took ms"
	check_equal "$2" "$status:$(thread_states "$target_pid" | tr -cd tT):$(
		[ $took -lt 3000 ] && echo "in time")" "0::in time" ||
		diag_file "$scratch/err"
	stop_target
}

hostile uffd "a stack whose next page nobody fills"
hostile badsp "stack pointers that are no addresses"
hostile names "forged names"
hostile edge "a stack that ends at its pointer"
check "it is read all the same" within "$(
	folded_match "$profile" 'main;.*work_at')" 90 100
hostile vfork "a parent in vfork(2)"
finish
