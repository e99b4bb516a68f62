#!/bin/sh
# SPDX-License-Identifier: MIT
# lateness.sh - nobody is kept waiting: signals reach a thread, and children
# end, within 30 ms while others are sampled, SECONDS_EACH (1) each.
#
# Breaks if the news of one tracee is taken for that of another: only one
# SIGCHLD can be pending, and whose event it does not name stays stopped until
# all are asked. For one signal in ten at 1000 Hz that was after 100 ms.
. "${top_srcdir:-.}/tests/run/lib.sh"
: "${SECONDS_EACH:=1}" "${LATE_MAX:=4}"
[ -z "${PSAMPLE_SANITIZED-}" ] || LATE_MAX=20
plan 6
requires_ptrace

figure() { # KEY FILE
	sed -n "s/.* $1 \([0-9.]*\).*/\1/p" "$2"
}

# What this machine's other jobs do to it is seen by the same program alone.
run_both() { # MODE FREQUENCY KIND [SLEEPERS]
	"$programs/lateness" "$3" "$SECONDS_EACH" "${4:-0}" >"$scratch/alone"
	timeout -s KILL 60 "$PSAMPLE" -q -e "$1" -F "$2" -f folded \
		-o "$scratch/profile" -- "$programs/lateness" "$3" \
		"$SECONDS_EACH" "${4:-0}" >"$scratch/out" \
		2>"$scratch/err" </dev/null
	diag "alone: $(cat "$scratch/alone")"
	diag "$(cat "$scratch/out" "$scratch/err")"
}

# They come and go: once in three times is enough to see who is to blame.
on_time() { # NAME MODE FREQUENCY KIND [SLEEPERS]
	name=$1
	shift
	for _ in 1 2; do
		run_both "$@"
		! is_on_time >/dev/null || break
	done
	is_on_time >/dev/null || run_both "$@"
	check "$name" is_on_time
}

# Who waits for one asks for no other: there must be many, too.
is_on_time() {
	within "$(figure late "$scratch/out")" 0 \
		$((LATE_MAX + 3 * $(figure late "$scratch/alone"))) &&
		within "$(figure "done" "$scratch/out")" \
			$(($(figure "done" "$scratch/alone") * 2 / 5)) 1e9 &&
		within "$(figure worst_ms "$scratch/out")" 0 500
}

on_time "signals, next to a busy thread" cpu 1000 signal
on_time "signals, among a hundred sleepers" cpu 1000 signal 100
on_time "signals, among 400 sleepers" cpu 1000 signal 400
on_time "the same, wall mode" wall 1000 signal 400
on_time "children, at 1000 Hz" cpu 1000 fork
on_time "children, at 100 Hz" cpu 100 fork
finish
