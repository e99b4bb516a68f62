#!/bin/sh
# SPDX-License-Identifier: MIT
# frames.sh - frames unwound per second: rows and libunwind over the same
# snapshots (tests/tools/oracle), and perf script over stacks that perf has
# copied of the same programs.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
requires_ptrace
: "${MUST:=yes}"
oracle=$top_builddir/tests/tools/oracle
REAL_SECONDS=6
. "$top_srcdir/tests/run/real.sh"
alone
n_failed=0

# One program: snapshots of it while it works, walked by both.
frames_case() { # PROGRAM
	"real_$1"
	start_background sh "$scratch/command"
	if wait_until 10 has_worker && "$oracle" -p "$worker" -n 300 \
		>"$scratch/oracle" 2>&1; then
		sed -n "/frames\/s/s/^/$1: /p" "$scratch/oracle"
		rows_ratio "$1"
		perf_case "$1"
	else
		echo "$1: no snapshots"
		diag_file "$scratch/oracle" 3
	fi
	kill -TERM "$target_pid" 2>/dev/null
	wait "$target_pid" 2>/dev/null
}

rows_ratio() { # PROGRAM: rows must be 20 times faster
	ratio=$(sed -n 's/^rows are .* included \([0-9.]*\) times.*/\1/p' \
		"$scratch/oracle")
	if within "$ratio" 20 1e9 >/dev/null; then
		echo "ok: $1: rows are $ratio times faster, at least 20"
	else
		echo "MISSED: $1: rows are $ratio times faster, not 20"
		n_failed=$((n_failed + 1))
	fi
}

# What perf script takes beyond printing the same samples without stacks.
perf_case() { # PROGRAM
	command -v perf >/dev/null || return
	perf record -q -e cpu-clock -F 500 --call-graph dwarf \
		-o "$scratch/perf.data" -p "$worker" -- sleep 1 \
		>"$scratch/perf.out" 2>&1 </dev/null
	start=$(date +%s%N)
	timeout 60 perf script --no-inline -i "$scratch/perf.data" -F ip \
		>"$scratch/script" 2>/dev/null
	middle=$(date +%s%N)
	perf script -i "$scratch/perf.data" -F time >/dev/null 2>&1
	end=$(date +%s%N)
	n=$(grep -c '[0-9a-f]' "$scratch/script")
	awk -v name="$1" -v n="$n" -v a="$start" -v b="$middle" -v c="$end" '
	BEGIN {
		s = ((b - a) - (c - b)) / 1e9
		if (n > 0 && s > 0)
			printf "%s: perf script: %d frames, %.0f frames/s, " \
				"%.0f ns a frame\n", name, n, n / s, 1e9 * s / n
	}'
	rm -f "$scratch/perf.data"
}

echo "frames unwound per second"
[ $# -gt 0 ] || set -- python3 perl sqlite3 xz openssl cc1
for program; do
	frames_case "$program"
done
[ "$MUST" != yes ] || exit "$n_failed"
