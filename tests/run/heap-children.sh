#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-children.sh - allocations of what a launched program becomes and starts.
#
# Breaks if a program behind a wrapper, a forked child or a child's program is
# not in the profile, if their processes cannot be told apart, if a status is
# not the program's, or if somebody is harmed when psample dies.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 18
requires_ptrace
cd "$scratch" || exit 1
allocs=$programs/allocs

bytes=690000000 # of 1,000 rounds of allocs

run() { # COMMAND...: profile and status
	"$PSAMPLE" -e alloc -i 64KiB -o profile.pb.gz -- "$@" >out 2>err \
		</dev/null
	status=$?
	"$PSAMPLE" report --folded --sample-index alloc_space profile.pb.gz \
		>folded 2>folded.err
}

at_sites() { # OPTION...: bytes of 100 rounds, 1 being what they are
	"$PSAMPLE" report --folded --sample-index alloc_space "$@" \
		profile.pb.gz 2>/dev/null |
		awk -v b=$((bytes / 10)) '/site_/ { s += $NF }
			END { print s / b }'
}

run sh -c "exec env nice -n 0 $allocs sites 100"
check_equal "the status is that of the last of four programs" $status 0 ||
	diag_file err
check "which is seen whole" within "$(at_sites)" 0.85 1.15 || diag_file err
check "stacks reach main" within "$(folded_share folded main any)" 90 100
check "the summary tells how many there were" \
	grep -q ' 3 programs begun by exec' err || diag_file err

run "$allocs" children 100
check "a forked child, and one that calls exec, live on" \
	grep -q 'children done' out || diag_file err
check "a program and two children are seen" within "$(at_sites)" 2.6 3.4
pids=$("$PSAMPLE" report --tags profile.pb.gz 2>/dev/null |
	awk '/^ *pid:/ { is = 1; next } is && NF < 2 { is = 0 }
		is { print $NF }')
n_whole=0
for pid in $pids; do
	! within "$(at_sites --tagfocus "pid=$pid\$")" 0.8 1.2 ||
		n_whole=$((n_whole + 1))
done
check_equal "each under its number" $n_whole 3 || diag "$pids"
"$PSAMPLE" --no-children -e alloc -i 64KiB -o profile.pb.gz -- "$allocs" \
	children 100 >out 2>err </dev/null
check "--no-children: they are silent" within "$(at_sites)" 0.85 1.15

run sh -c "$allocs sites 10; ($allocs sites 10); exit 3"
check_equal "the status of a script is its own" $status 3
check "and its commands are seen" within "$(at_sites)" 0.1 0.3

run sh -c "ulimit -f 100; $allocs sites 1; ($allocs sites 1); exit 5"
check_equal "a limit of the size of files kills nobody" $status 5 ||
	diag_file err
check "and the summary tells of it" grep -q 'limit of the size' err ||
	diag_file err
(ulimit -f 100 && exec sleep 30) &
sleeper=$!
"$PSAMPLE" -e alloc -d 0.1 -o x.pb.gz -p $sleeper >out 2>err </dev/null
grep -q 'limit of the size' err && kill -0 $sleeper
check_equal "nor one that runs" $? 0 || diag_file err
kill $sleeper

# --- one that runs ----------------------------------------------------------
sh -c "while :; do $allocs sites 1; echo x >>ticks; done" >looped 2>&1 &
looping=$!
wait_until 20 test -s ticks
timeout -s KILL 20 "$PSAMPLE" -e alloc --children -i 64KiB -d 0.3 -f folded \
	-o folded -p $looping >out 2>err </dev/null
check_equal "what a running shell starts is seen" \
	"$?$(grep -c site_large folded | sed 's/[1-9].*/y/')" 0y ||
	diag_file err
"$PSAMPLE" -q -e alloc --children -o x.pb.gz -p $looping >out 2>err \
	</dev/null &
stopped=$!
wait_until 20 grep -q 'TracerPid:.*[1-9]' /proc/$looping/status
kill -STOP $stopped
check "psample that is stopped by force lets it go" wait_until 20 \
	grep -qw 'TracerPid:.0' /proc/$looping/status || diag_file err
: >ticks
check "and it starts others" wait_until 20 test -s ticks
kill $looping
kill -KILL $stopped 2>/dev/null

# --- psample is killed: all are silent, and at work --------------------------
agent_at() { # PID: its state, behind four pages of code (agent.h)
	before=0
	while read -r range mode _; do
		start=$((0x${range%-*})) end=$((0x${range#*-}))
		[ "$mode" != rw-p ] || [ "$start" != "$before" ] ||
			[ $((end - start)) != $((0x22000)) ] || echo "$start"
		before=0
		[ "$mode" != r-xp ] || [ $((end - start)) != 16384 ] ||
			before=$end
	done <"/proc/$1/maps"
}

shared_at() { # PID
	echo $((0x$(sed -n 's/-.* rw-s .*memfd:psample.*//p' "/proc/$1/maps")))
}

words() { # PID ADDRESS BYTES
	dd if="/proc/$1/mem" bs=1 skip="$2" count="$3" 2>/dev/null |
		od -An -v -tx1 | tr -d ' \n'
}

no_samples=00000000000000000000000000000000
has_samples() { # PID
	at=$(agent_at "$1") && [ -n "$at" ] &&
		[ "$(words "$1" $((at + 24)) 8)" != 0000000000000000 ] &&
		[ "$(words "$1" "$(shared_at "$1")" 16)" != "$no_samples" ]
}

is_silent() { # PID
	[ "$(words "$1" $(($(agent_at "$1") + 24)) 8)" = 0000000000000000 ]
}

naps() { # PID
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$1/status"
}

has_napped() { # PID NAPS
	[ "$(naps "$1")" -gt "$2" ]
}

works_on() { # PID: it goes round its loop for some time
	wait_until 20 has_napped "$1" $(($(naps "$1") + 20))
}

"$PSAMPLE" -q -e alloc -i 64KiB -o killed.pb.gz -- sh -c \
	"$allocs loop 1 & echo \$! >begun; exec $allocs forked 1" >out 2>err \
	</dev/null &
killed=$!
are_there() {
	[ "$(grep -c ready out)" = 3 ]
}
wait_until 20 are_there || diag_file err
main=$(cat "/proc/$killed/task"/*/children | tr ' ' '\n' |
	while read -r pid; do
		! grep -q allocs "/proc/$pid/comm" || echo "$pid"
	done)
begun=$(cat begun)
forked=$(cat "/proc/$main/task/$main/children")
forked=$(echo "$forked" | tr ' ' '\n' | grep -vx "$begun" | tr -d '\n')
for pid in $main $begun $forked; do
	wait_until 20 has_samples "$pid" || diag "$pid has no samples"
done
kill -KILL "$killed"
n_silent=0
for pid in $main $begun $forked; do
	if ! wait_until 20 is_silent "$pid" || ! works_on "$pid"; then
		continue
	fi
	heads=$(words "$pid" "$(shared_at "$pid")" 16)
	if works_on "$pid" && [ "$heads" != "$no_samples" ] &&
		[ "$(words "$pid" "$(shared_at "$pid")" 16)" = "$heads" ]; then
		n_silent=$((n_silent + 1))
	fi
done
check_equal "psample killed: a program, its child and another are silent" \
	$n_silent 3 || diag "$main, $begun, $forked"
kill "$main" "$begun" "$forked"

# Whoever is left behind must end well.
"$programs/allocs_kill" launch "${KILLS:-12}" 20 120000 1 "$PSAMPLE" -q \
	-e alloc -i 16KiB -o killed.pb.gz -- sh -ec \
	"$allocs children 2; x=\$($allocs sites 1); exec $allocs sites 2" >kills
check_equal "psample killed at any moment harms nobody" $? 0 ||
	diag_file kills
finish
