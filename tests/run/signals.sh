#!/bin/sh
# SPDX-License-Identifier: MIT
# signals.sh - no signal is lost, altered or added; stops stay stops.
#
# Breaks if a signal-delivery stop is resumed without its signal, if a group
# stop is resumed by CONT instead of LISTEN, if stops wait for the tick, if a
# signal that takes the place of our stop leaves us waiting for it for ever, or
# if ignored signals, which wake a traced thread, make its calls fail.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 19
requires_ptrace
n=5000

for mode in cpu wall; do
	"$PSAMPLE" -e $mode -F 1000 -f folded -o "$scratch/profile" -- \
		"$programs/signals" $n >"$scratch/out" 2>"$scratch/err" \
		</dev/null
	check_equal "launched, $mode: $n queued signals arrive as sent" $? 0 ||
		diag_file "$scratch/out"
	diag_file "$scratch/out"
	check "launched, $mode: no thread is lost to a signal" within \
		"$(folded_share "$scratch/profile" '[unsampled]')" 0 20 ||
		diag_file "$scratch/err"
done
for mode in cpu wall; do
	for hz in 100 1000; do
		"$PSAMPLE" -q -e $mode -F $hz -f folded -o "$scratch/ignored" \
			-- "$programs/ignored" 2 >"$scratch/out" \
			2>"$scratch/err" </dev/null
		check_equal "$mode, $hz Hz: ignored signals interrupt nothing" \
			$? 0 || diag_file "$scratch/err"
		diag_file "$scratch/out"
	done
done
# On a starved machine the receiver gets to nothing but its handlers.
check "the receiver is seen at work" within "$(folded_match \
	"$scratch/profile" '(receiver_hot|take_queued|take_alarm)')" 20 100 ||
	diag_file "$scratch/err"

start_background "$programs/signals" $((4 * n))
"$PSAMPLE" -F 1000 -d 2 -f folded -o "$scratch/profile" -p "$target_pid" \
	2>"$scratch/err" </dev/null
wait "$target_pid"
check_equal "attached: queued signals arrive as sent" $? 0 ||
	diag_file "$target_out"

# Stopped by hand under psample: really stopped, and goes on at SIGCONT.
start_target "$programs/stopcont" 2
"$PSAMPLE" -F 200 -f folded -o "$scratch/profile" -p "$target_pid" \
	2>"$scratch/err" </dev/null 9>&- &
sampler=$!
wait_until 10 is_traced "$target_pid"
kill -STOP "$target_pid"
all_stopped() {
	case $(thread_states "$target_pid") in
	*[!tT]*) return 1 ;;
	esac
}
check "SIGSTOP under psample stops all threads" wait_until 5 all_stopped
before=$(cpu_ticks "$target_pid")
sleep 0.5
check "a stopped target uses no CPU" \
	[ $(($(cpu_ticks "$target_pid") - before)) -le 1 ]
kill -CONT "$target_pid"
check "SIGCONT under psample resumes it" makes_progress "$target_pid"
has_usr1() { # N
	[ "$(grep -c usr1 "$target_out")" = "$1" ]
}
for i in 1 2 3 4 5; do
	kill -USR1 "$target_pid"
	wait_until 5 has_usr1 "$i"
done
check_equal "five SIGUSR1 are handled five times" \
	"$(grep -c usr1 "$target_out")" 5
kill -STOP "$target_pid"
wait_until 5 all_stopped
kill -INT "$sampler" 2>/dev/null
kill -TERM "$sampler" 2>/dev/null
wait "$sampler" 2>/dev/null
check_equal "after a detach the stopped target is still stopped" \
	"$(process_state "$target_pid")" T
check "it is not traced any more" is_untraced "$target_pid"

# Attach to what is stopped already.
"$PSAMPLE" -d 1 -f folded -o "$scratch/profile" -p "$target_pid" \
	>"$scratch/out" 2>"$scratch/err" </dev/null
check "attaching to a stopped target ends in time, without harm" \
	[ "$?:$(process_state "$target_pid")" = 0:T ]
# A few microseconds may go by when it is seized.
check "a stopped target has no CPU in its profile" \
	within "$(folded_total "$scratch/profile")" 0 1000000
kill -CONT "$target_pid"
check "SIGCONT resumes it afterwards" makes_progress "$target_pid"
finish
