#!/bin/sh
# SPDX-License-Identifier: MIT
# lateness.sh - nobody is kept waiting: signals reach a thread, and children
# end, within 30 ms while others are sampled, SECONDS_EACH (1) each.
#
# Breaks if the news of one tracee is taken for that of another: only one
# SIGCHLD can be pending, and whose event it does not name stays stopped until
# all are asked. For one signal in ten at 1000 Hz that was after 100 ms.
. "${top_srcdir:-.}/tests/run/lib.sh"
: "${SECONDS_EACH:=1}" "${LATE_MAX:=2}"
plan 6
requires_ptrace

# Two may be late of another's doing: this machine's other guests and jobs.
on_time() { # NAME MODE FREQUENCY KIND [SLEEPERS]
	name=$1
	timeout -s KILL 60 "$PSAMPLE" -q -e "$2" -F "$3" -f folded \
		-o "$scratch/profile" -- "$programs/lateness" "$4" \
		"$SECONDS_EACH" "${5:-0}" >"$scratch/out" \
		2>"$scratch/err" </dev/null
	diag "$(cat "$scratch/out" "$scratch/err")"
	check "$name" is_on_time
}

# Who waits for one asks for no other: there must be many, too.
is_on_time() {
	within "$(sed -n 's/.* late \([0-9]*\) .*/\1/p' "$scratch/out")" \
		0 "$LATE_MAX" &&
		within "$(sed -n 's/.* done \([0-9]*\) .*/\1/p' \
			"$scratch/out")" 250 1000000 &&
		within "$(sed -n 's/.* worst_ms //p' "$scratch/out")" 0 500
}

on_time "signals, next to a busy thread" cpu 1000 signal
on_time "signals, among a hundred sleepers" cpu 1000 signal 100
on_time "signals, among 400 sleepers" cpu 1000 signal 400
on_time "the same, wall mode" wall 1000 signal 400
on_time "children, at 1000 Hz" cpu 1000 fork
on_time "children, at 100 Hz" cpu 100 fork
finish
