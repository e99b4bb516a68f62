#!/bin/sh
# SPDX-License-Identifier: MIT
# kill9.sh - SIGKILL psample at random moments: the target runs on, no thread
# of it is stopped or traced. KILLS rounds (20); tests/campaign does 200. With
# MODE=wall all of them are of wall clock profiles, not only some.
#
# Breaks if anything is left in the target that only psample could undo: an
# attach by SIGSTOP, EXITKILL, a breakpoint, a rewritten register.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${KILLS:=20}" "${MODE:=cpu}"
plan 6
requires_ptrace

random_below() { # N
	echo $(($(od -An -N2 -tu2 /dev/urandom) % $1))
}

# Sleep 0 to 400 ms: the kill may meet the attach, any stop, or the run.
random_pause() {
	sleep "$(printf 0.%03d "$(random_below 400)")"
}

# Let psample's helper finish its work, then judge.
is_unharmed() { # PID
	wait_until 5 is_untraced "$1" || {
		diag "still traced by $(tracer_of "$1")"
		return 1
	}
	! has_stopped_threads "$1" || {
		diag "thread states $(thread_states "$1")"
		return 1
	}
	makes_progress "$1" || {
		diag "no progress"
		return 1
	}
}

n_harmed=0
kill_rounds() { # ROUNDS OPTIONS...: on target_pid, which lives on
	left=$1
	shift
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		"$PSAMPLE" -q -e "$MODE" -F 1000 "$@" -f folded \
			-o "$scratch/profile" -p "$target_pid" \
			>"$scratch/err" 2>&1 </dev/null 9>&- &
		sampler=$!
		random_pause
		kill -KILL "$sampler"
		wait "$sampler" 2>/dev/null
		is_unharmed "$target_pid" && continue
		n_harmed=$((n_harmed + 1))
		return
	done
}

case_attached() { # NAME ROUNDS OPTIONS TARGET...
	name=$1 rounds=$2 options=$3
	shift 3
	n_harmed=0
	start_target "$@"
	# shellcheck disable=SC2086 # words
	kill_rounds "$rounds" $options
	check_equal "$name: unharmed by $rounds kills" "$n_harmed" 0
}

share=$((KILLS / 5))
case_attached "busy threads" $share "" "$programs/truth" eight 600
stop_target
case_attached "short threads" $share "" "$programs/truth" churn 600
stop_target
case_attached "waiting threads, $MODE" $share "" "$programs/eintr" 300
waiting=$target_pid
case_attached "waiting threads, wall" $share "-e wall" "$programs/eintr" 300
stop_target

# The first eintr has seen its share of kills: it must not have noticed.
check "the waiting target is still alive" is_alive "$waiting"
stop_target "$waiting"

# Launched: the program tells its id, psample dies, the program lives.
n_harmed=0
left=$share
while [ "$left" -gt 0 ]; do
	left=$((left - 1))
	rm -f "$scratch/id"
	"$PSAMPLE" -q -e "$MODE" -F 1000 -f folded -o "$scratch/profile" -- \
		sh -c \
		'echo $$ >"$1"; exec "$2" eight 60' sh "$scratch/id" \
		"$programs/truth" >"$scratch/out" 2>&1 </dev/null 9>&- &
	sampler=$!
	wait_until 10 has_line "$scratch/id"
	random_pause
	kill -KILL "$sampler"
	wait "$sampler" 2>/dev/null
	launched=$(cat "$scratch/id")
	target_pids="$target_pids $launched"
	is_unharmed "$launched" || n_harmed=$((n_harmed + 1))
	stop_target "$launched"
done
check_equal "launched: unharmed by $share kills" "$n_harmed" 0
finish
