#!/bin/sh
# SPDX-License-Identifier: MIT
# exit-status.sh - a run under psample ends as the program did.
#
# Breaks if psample returns its own status, ends with 128+n by exit instead of
# by the signal, forgets to write what it has, or takes the target along.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 35
requires_ptrace
profile=$scratch/profile

run_to_end() { # exitcode's arguments: prints the status
	rm -f "$profile"
	"$PSAMPLE" -q -F 1000 -f folded -o "$profile" -- \
		"$programs/exitcode" "$@" >"$scratch/out" 2>&1 </dev/null
	echo $?
}

for status in 0 1 2 7 125 127 128 255; do
	check_equal "exit $status stays exit $status" \
		"$(run_to_end 5 exit $status)" $status
done
# HUP INT QUIT ABRT KILL USR1 PIPE TERM RTMIN
for signal in 1 2 3 6 9 10 13 15 34; do
	check_equal "death by signal $signal is passed on" \
		"$(run_to_end 5 signal $signal 2>/dev/null)" $((128 + signal))
done
check_equal "a crash is passed on" "$(run_to_end 200 crash 2>/dev/null)" 139
check "a profile is written although the program crashed" \
	within "$(folded_share "$profile" last_hot any)" 80 100

# Death by a signal, not an exit status that looks like it.
if command -v python3 >/dev/null; then
	died=$(python3 -c 'import subprocess, sys
print(subprocess.run(sys.argv[1:]).returncode)' "$PSAMPLE" -q -f folded \
		-o "$profile" -- "$programs/exitcode" 5 signal 15)
	check_equal "psample itself dies of the program's signal" "$died" -15
else
	skip "psample itself dies of the program's signal" "needs python3"
fi

status_of() {
	"$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	echo $?
}

check_equal "a program that is not there: 127" \
	"$(status_of "$PSAMPLE" -o "$profile" -- ./no-such-program)" 127
: >"$scratch/plain"
check_equal "a file that is not executable: 126" \
	"$(status_of "$PSAMPLE" -o "$profile" -- "$scratch/plain")" 126

# ^C reaches the whole group. Shells let background jobs ignore it.
start_group() { # COMMAND...: in a group of its own, whose id is $group
	rm -f "$scratch/out" # what it says is to be its own
	env --default-signal=INT,QUIT setsid "$@" >"$scratch/out" \
		2>"$scratch/err" </dev/null 9>&- &
	group=$!
	target_pids="$target_pids $group"
}

if env --default-signal=INT true 2>/dev/null &&
	command -v setsid >/dev/null; then
	rm -f "$profile"
	start_group "$PSAMPLE" -f folded -o "$profile" -- \
		"$programs/truth" one 60
	wait_until 10 has_text "$scratch/out" ready
	kill -INT "-$group"
	wait "$group" 2>/dev/null
	check_equal "^C on a launched program ends with 130" $? 130
	check "^C on a launched program: the profile is there" \
		[ -e "$profile" ]
	rm -f "$profile"
	start_group "$PSAMPLE" -f folded -o "$profile" -- \
		"$programs/truth" one 60
	wait_until 10 has_text "$scratch/out" ready
	kill -TERM "$group"
	wait "$group" 2>/dev/null
	check_equal "SIGTERM to psample ends both, with 143" $? 143
	check "SIGTERM to psample: the profile is there" [ -e "$profile" ]
else
	for name in 1 2 3 4; do
		skip "^C $name" "needs setsid and env --default-signal"
	done
fi

# Attached: stop, write, leave; the target goes on.
start_target "$programs/stopcont" 1
for signal in INT TERM HUP; do
	rm -f "$profile"
	env --default-signal=INT "$PSAMPLE" -F 1000 -f folded -o "$profile" \
		-p "$target_pid" 2>"$scratch/err" </dev/null 9>&- &
	sampler=$!
	wait_until 10 is_traced "$target_pid"
	wait_until 5 has_used_more "$target_pid" \
		$(($(cpu_ticks "$target_pid") + 10))
	kill "-$signal" "$sampler"
	wait "$sampler"
	status=$?
	check "SIG$signal while attached: status 0, profile, target unharmed" \
		[ "$status:$(folded_share "$profile" ticking_hot any |
			sed 's/^[6-9][0-9][0-9.]*$/most/; s/^100.*/most/'):$(
			thread_states "$target_pid" | tr -cd tTZ)" = "0:most:" ]
done
# As timeout(1) ends who it started: it tells the process, then its group.
rm -f "$profile"
env --default-signal=INT "$PSAMPLE" -f folded -o "$profile" \
	-p "$target_pid" 2>"$scratch/err" </dev/null 9>&- &
sampler=$!
wait_until 10 is_traced "$target_pid"
for _ in $(seq 50); do # the second may come at any point of the end
	kill -TERM "$sampler" 2>/dev/null
done
wait "$sampler"
check "several signals in one moment: status 0, profile" \
	[ "$?:$([ -e "$profile" ] && echo there)" = 0:there ]
is_asleep() { # the program that $sampler has launched
	launched=$(cat "/proc/$sampler/task/$sampler/children" 2>/dev/null)
	for launched in $launched; do
		[ "$(cat "/proc/$launched/comm")" != sleep ] || return 0
	done
	return 1
}
for event in cpu alloc; do # two signals that are two wishes, all the same
	env --default-signal=HUP,TERM "$PSAMPLE" -q -e $event -o "$profile" \
		-- sh -c 'trap "" HUP; exec sleep 60' \
		2>"$scratch/err" </dev/null 9>&- &
	sampler=$!
	wait_until 10 is_asleep
	kill -HUP "$sampler"
	kill -TERM "$sampler"
	wait "$sampler"
	check_equal "$event: HUP, which the program ignores, then TERM" $? 143
done
"$PSAMPLE" -f folded -o "$profile" -p "$target_pid" \
	2>"$scratch/err" </dev/null 9>&- &
sampler=$!
wait_until 10 is_traced "$target_pid"
kill -KILL "$target_pid"
wait "$sampler"
check_equal "an attached target that ends: status 0" $? 0
check "an attached target that ends: the profile is there" [ -e "$profile" ]
check_equal "attaching to a process that is gone: status 1" \
	"$(status_of "$PSAMPLE" -o "$profile" -p "$target_pid")" 1
finish
