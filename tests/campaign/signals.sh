#!/bin/sh
# SPDX-License-Identifier: MIT
# signals.sh - queued signals reach a target under psample: signals.sh [N].
# N of them (1,000,000) at 1000 Hz, half of them launched for cpu, half attached
# for wall: none lost, none altered, in order. Two minutes.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
half=$((${1:-1000000} / 2))
plan 2
requires_ptrace
"$PSAMPLE" -F 1000 -f folded -o "$scratch/profile" -- \
	"$programs/signals" $half >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "launched: $half queued signals arrive as sent" $? 0
diag_file "$scratch/out"
grep '^psample: cost' "$scratch/err" | sed 's/^/# /'
start_background "$programs/signals" $half
"$PSAMPLE" -e wall -F 1000 -f folded -o "$scratch/profile" -p "$target_pid" \
	2>"$scratch/err" </dev/null
wait "$target_pid"
check_equal "attached: $half queued signals arrive as sent" $? 0
diag_file "$target_out"
grep '^psample: cost' "$scratch/err" | sed 's/^/# /'
finish
