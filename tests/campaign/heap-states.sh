#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-states.sh - the agent comes in whatever the program is doing.
#
# heap-states.sh [ROUNDS [CYCLES]]: one thread in each state that a thread can
# be in, attached to ROUNDS (3) times each; then CYCLES (60) times each to a
# program with a signal every 100 us, to one that makes children all the time,
# and to one that throws bad_alloc, by libc's operator new and by those of
# jemalloc and tcmalloc; and a program in seccomp's strict mode. None of them
# may notice.
. "${top_srcdir:-.}/tests/run/lib.sh"
rounds=${1:-3}
cycles=${2:-60}
plan 27
requires_ptrace
cd "$scratch" || exit 1
states=$programs/allocs_states

attach() { # PID: 0, or the text of a refusal is in ./err
	timeout 20 "$PSAMPLE" -q -e alloc -i 16KiB -d 0.05 -f folded \
		-o folded -p "$1" 2>err
}

# What it says when it is not disturbed: fine, after a second or, if its
# timeout has begun anew, two.
ends_fine() { # FILE
	wait_until 20 grep -q -E '^(fine|[a-z-]* gave)' "$1" &&
		awk '$1 == "fine" && $2 > 990 && $2 < 2900 { ok = 1 }
		END { exit !ok }' "$1"
}

# In a call that must not be begun again psample refuses, for two seconds.
for state in spin clock read futex futex-timeout nanosleep poll select epoll \
	recv wait vfork ppoll pselect sigtimedwait pause sigsuspend; do
	n_bad=0 n_attached=0 times=
	for _ in $(seq "$rounds"); do
		start_target "$states" $state
		sleep 0.1 # it is to be in the call
		if attach "$target_pid"; then
			n_attached=$((n_attached + 1))
		elif ! grep -q -E 'borrowed now|No such process|ended' err; then
			n_bad=$((n_bad + 1))
			diag_file err
		fi
		ends_fine "$target_out" || n_bad=$((n_bad + 1))
		times="$times $(grep -v ready "$target_out")"
		wait "$target_pid" 2>/dev/null
	done
	diag "$state: attached $n_attached of $rounds;$times"
	check_equal "$state is not disturbed" $n_bad 0
done

for state in signals children; do
	start_target "$states" $state
	n_failed=0
	for _ in $(seq "$cycles"); do
		attach "$target_pid" || n_failed=$((n_failed + 1))
	done
	check_equal "each of $cycles attaches succeeds: $state" $n_failed 0 ||
		diag_file err
	kill -TERM "$target_pid"
	check "and it ends well: $state" wait_until 20 grep -q '^fine' \
		"$target_out"
	diag "$(tail -n 1 "$target_out")"
done

for allocator in '' libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	label="bad_alloc while attached ($allocator)"
	if ! c++ -std=gnu++17 -O1 -g -o new \
		"$top_srcdir/tests/programs/allocs_new.cc" >cc.log 2>&1 ||
		LD_PRELOAD=$allocator true 2>&1 | grep -q preload; then
		skip "$label" "needs c++ and $allocator"
		continue
	fi
	LD_PRELOAD=$allocator ./new 10000000 >out 2>&1 &
	new=$!
	n_done=0
	while is_alive $new && [ $n_done -lt "$cycles" ]; do
		attach $new && n_done=$((n_done + 1))
	done
	wait $new
	diag "$label: $n_done attaches; $(cat out)"
	check "$label" grep -q 'threw 100000' out
done

timeout 20 "$PSAMPLE" -e alloc -i 4KiB -o p.pb.gz -- "$states" strict \
	>out 2>err </dev/null
check "seccomp's strict mode: the agent calls nothing" grep -q fine out ||
	diag_file err
n_killed=0
for _ in $(seq "$cycles"); do
	timeout 20 "$PSAMPLE" -q -e alloc -i 200 -o p.pb.gz -- \
		"$programs/allocs" filter 1 >out 2>err </dev/null
	grep -q 'filter done' out || n_killed=$((n_killed + 1))
done
check_equal "a filter for all threads meets no copy of a stack" $n_killed 0
start_target "$programs/allocs" under 319 "$programs/allocs" loop 1
attach "$target_pid"
check "and a filter is respected" grep -q 'seccomp filter' err
finish
