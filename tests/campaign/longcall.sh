#!/bin/sh
# SPDX-License-Identifier: MIT
# longcall.sh - long calls that lose their core before they are over are seen
# nonetheless: how often, in ten runs of a program that spends half of its time
# in them, on a core that another process wants.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 1
requires_ptrace

# A call has one sample at most, however many ticks come in it: the busier the
# machine, the fewer of them. Never to keep what lost its core in a call gave
# 12 to 32 of 50 per cent, in the mean 25.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	"$PSAMPLE" -q -F 100 --no-children -f folded -o "$scratch/out" -- \
		"$programs/longcall" 1200 >"$scratch/truth" 2>"$scratch/log"
	share=$(awk '{ all += $NF } /in_call/ { calls += $NF }
		END { printf "%.1f", all ? 100 * calls / all : 0 }' \
		"$scratch/out")
	diag "calls have $share %, truly $(cat "$scratch/truth") %"
	echo "$share"
done >"$scratch/shares"
mean=$(awk '/^[0-9]/ { sum += $1; n++ } END { printf "%.1f", sum / n }' \
	"$scratch/shares")
grep '^#' "$scratch/shares"
check "long calls on a wanted core are in the profile: $mean %" \
	within "$mean" 28 60
finish
