#!/bin/sh
# SPDX-License-Identifier: MIT
# deaths.sh - who dies when, and what is left: deaths.sh [PART...]
#
# psample    KILLS (200) times SIGKILL to psample, attached and launched, cpu
#            and wall, as in tests/run/kill9.sh
# target     SIGKILL to the target at a random moment, N (200) times: psample
#            ends within a second, with a profile that can be read
# stopped    SIGSTOP to psample, attached, N / 10 times: the target is let go
#            within a second
# launched   all 256 exit statuses (or FIRST to LAST), and all signals that end
#            a program
# attached   the same, attached: as the parent of the target sees them
#
# Of runs for allocations: tests/campaign/heap.sh.
# shellcheck disable=SC2086 # pids and counts

. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
n=${N:-200}
parts=${*:-psample target stopped launched attached}
n_parts=0
for part in $parts; do
	case $part in
	psample) n_parts=$((n_parts + 1)) ;;
	*) n_parts=$((n_parts + 2)) ;;
	esac
done
plan $n_parts
requires_ptrace
profile=$scratch/profile

random_ms() { # BELOW
	echo $(($(od -An -N2 -tu2 /dev/urandom) % $1))
}

part_psample() {
	KILLS=${KILLS:-200} sh "$top_srcdir/tests/run/kill9.sh" \
		>"$scratch/kill9" 2>&1
	check "kill -9 of psample, ${KILLS:-200} times" [ $? = 0 ] ||
		diag_file "$scratch/kill9"
}

part_target() {
	n_late=0 n_bad=0 left=$n
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		rm -f "$profile"
		"$programs/truth" churn 60 >"$scratch/out" 2>&1 9>&- &
		victim=$!
		"$PSAMPLE" -q -F 1000 -f pprof -o "$profile" -p $victim \
			>"$scratch/err" 2>&1 </dev/null 9>&- &
		sampler=$!
		sleep "$(printf 0.%03d "$(random_ms 200)")"
		kill -KILL $victim
		begin=$(date +%s%3N)
		wait $sampler
		status=$?
		took=$(($(date +%s%3N) - begin))
		[ $took -lt 1500 ] || {
			n_late=$((n_late + 1))
			diag "$took ms; load: $(cat /proc/loadavg)"
		}
		wait $victim 2>/dev/null
		# killed before it was attached to: 1 and a message
		if [ $status = 1 ]; then
			[ -s "$scratch/err" ] || n_bad=$((n_bad + 1))
		elif [ $status != 0 ] ||
			! "$PSAMPLE" top "$profile" >/dev/null 2>&1; then
			n_bad=$((n_bad + 1))
			diag "status $status"
			diag_file "$scratch/err"
		fi
	done
	check_equal "kill -9 of the target, $n times: psample ends soon" \
		$n_late 0
	check_equal "with a profile that can be read" $n_bad 0
}

# The milliseconds until no thread of PID is stopped or traced, at most 5000
let_go_ms() { # PID
	begin=$(date +%s%3N)
	wait_until 5 is_untraced "$1"
	echo $(($(date +%s%3N) - begin))
}

part_stopped() {
	start_target "$programs/stopcont" 2
	worst=0 n_bad=0 left=$((n / 10))
	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		"$PSAMPLE" -q -F 1000 -f folded -o "$profile" \
			-p "$target_pid" >"$scratch/err" 2>&1 </dev/null 9>&- &
		sampler=$!
		wait_until 10 is_traced "$target_pid"
		sleep "$(printf 0.%03d "$(random_ms 300)")"
		kill -STOP $sampler
		ms=$(let_go_ms "$target_pid")
		[ "$ms" -le $worst ] || worst=$ms
		kill -CONT $sampler 2>/dev/null
		wait $sampler 2>/dev/null
		has_stopped_threads "$target_pid" && n_bad=$((n_bad + 1))
		# stopcont ends after a minute
		is_alive "$target_pid" || start_target "$programs/stopcont" 2
	done
	check "a stopped psample lets go within a second ($worst ms)" \
		within $worst 0 1300
	check_equal "and its target runs on" $n_bad 0
	stop_target
}

launched_status() { # exitcode's arguments
	"$PSAMPLE" -q -F 1000 -f folded -o "$profile" -- \
		"$programs/exitcode" 1 "$@" >"$scratch/out" 2>&1 </dev/null
	echo $?
}

# psample's own is 0; what counts is what the parent of the target sees.
attached_status() { # exitcode's arguments
	"$programs/exitcode" 40 "$@" >"$scratch/out" 2>&1 </dev/null 9>&- &
	victim=$!
	"$PSAMPLE" -q -F 1000 -f folded -o "$profile" -p $victim \
		>"$scratch/err" 2>&1 </dev/null || diag "psample: $?" >&2
	wait $victim 2>/dev/null
	echo $?
}

statuses() { # launched or attached
	# shellcheck disable=SC3045 # dash and others have it
	ulimit -c 0
	wrong=''
	status=${FIRST:-0}
	while [ $status -le "${LAST:-255}" ]; do
		got=$("$1_status" exit $status)
		[ "$got" = $status ] || wrong="$wrong $status:$got"
		status=$((status + 1))
	done
	check_equal "$1: exit statuses ${FIRST:-0} to ${LAST:-255}" "$wrong" ''
	wrong='' signal=0
	while [ $signal -lt 31 ]; do
		signal=$((signal + 1))
		case $signal in
		17 | 18 | 19 | 20 | 21 | 22 | 23 | 28) continue ;; # end nothing
		esac
		got=$("$1_status" signal $signal 2>/dev/null)
		[ "$got" = $((128 + signal)) ] || wrong="$wrong $signal:$got"
	done
	check_equal "$1: death by each of the signals" "$wrong" ''
}

part_launched() {
	statuses launched
}

part_attached() {
	statuses attached
}

for part in $parts; do
	"part_$part"
done
finish
