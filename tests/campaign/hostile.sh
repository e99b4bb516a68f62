#!/bin/sh
# SPDX-License-Identifier: MIT
# hostile.sh - targets that mean harm, for 1 s each, cpu and wall: the run ends
# within two, and the target goes on. The kinds of tests/programs/hostile.c,
# and a FIFO in the place of the executable, a frozen control group, a thread
# made with CLONE_UNTRACED. For a quiet machine: on another one see how long
# the same run takes on a target that means no harm, before and after.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 27
requires_ptrace
profile=$scratch/profile

# on $target_pid, which is as $1 wants it afterwards
run_on() { # NAME [STATES]
	for mode in cpu wall; do
		begin=$(date +%s%3N)
		timeout -s KILL 20 "$PSAMPLE" -e $mode -F 500 -d 1 -f folded \
			-o "$profile" -p "$target_pid" >"$scratch/err" 2>&1 \
			</dev/null
		status=$?
		took=$(($(date +%s%3N) - begin))
		check "$1, $mode: status $status after $took ms" [ \
			"$status" -le 1 -a $took -lt 2000 ] ||
			diag_file "$scratch/err"
		grep -E '^psample:.*(lost|cannot|stopped|busy)' \
			"$scratch/err" | sed 's/^/# /'
	done
	check "$1: it is left as it was" \
		[ "$(thread_states "$target_pid" | tr -cd tTZ)" = "${2:-}" ]
}

harmless() {
	start_target "$programs/truth" one 60
	begin=$(date +%s%3N)
	"$PSAMPLE" -F 500 -d 1 -f folded -o "$profile" -p "$target_pid" \
		>"$scratch/err" 2>&1 </dev/null
	diag "a harmless target: status $? after $(($(date +%s%3N) - begin)) ms"
	stop_target
}

harmless
for kind in uffd badsp deep maps names edge vfork; do
	start_target "$programs/hostile" $kind 60
	if grep -q unavailable "$target_out"; then
		for test in 1 2 3; do
			skip "$kind $test" "$(cat "$target_out")"
		done
		continue
	fi
	run_on $kind
	stop_target
done

cp "$programs/truth" "$scratch/truth"
start_target "$scratch/truth" one 60
rm "$scratch/truth"
mkfifo "$scratch/truth"
run_on "a FIFO as the executable"
stop_target

freezer= # of either version
for group in /sys/fs/cgroup/freezer /sys/fs/cgroup; do
	mkdir "$group/psample-test" 2>/dev/null || continue
	if [ -e "$group/psample-test/freezer.state" ]; then
		freezer=$group/psample-test freeze='freezer.state FROZEN THAWED'
	elif [ -e "$group/psample-test/cgroup.freeze" ]; then
		freezer=$group/psample-test freeze='cgroup.freeze 1 0'
	else
		rmdir "$group/psample-test"
		continue
	fi
	break
done
if [ -n "$freezer" ]; then
	at_exit "rmdir '$freezer'"
	# shellcheck disable=SC2086 # words
	set -- $freeze
	start_target "$programs/truth" eight 60
	echo "$target_pid" >"$freezer/cgroup.procs"
	echo "$2" >"$freezer/$1"
	begin=$(date +%s%3N)
	timeout -s KILL 20 "$PSAMPLE" -F 500 -d 1 -f folded -o "$profile" \
		-p "$target_pid" >"$scratch/err" 2>&1 </dev/null
	status=$?
	took=$(($(date +%s%3N) - begin))
	check "a frozen control group: status $status after $took ms" [ \
		"$status" -le 1 -a $took -lt 2000 ] || diag_file "$scratch/err"
	echo "$3" >"$freezer/$1"
	check "thawed, it runs on" makes_progress "$target_pid"
	stop_target
else
	skip "a frozen control group" "needs a freezer"
	skip "thawed" "needs a freezer"
fi

harmless
timeout -s KILL 20 "$PSAMPLE" -F 500 -f folded -o "$profile" -- \
	"$programs/storm" untraced 1 >"$scratch/out" 2>"$scratch/err"
check_equal "a thread made with CLONE_UNTRACED: the run ends well" $? 0
diag "launched, it has $(folded_share "$profile" untraced_hot any) %"
finish
