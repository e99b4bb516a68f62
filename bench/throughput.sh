#!/bin/sh
# SPDX-License-Identifier: MIT
# throughput.sh - what a saturated target of 8 threads gets done under psample
# and under perf, at 100 and 1000 Hz, and without.
#
#	sh bench/throughput.sh	TURNS (30) pairs of turns, THREADS (8)
#
# Each tool is attached all the time, and told to begin and to end each second:
# neighbours in time are compared, on a machine whose speed changes from minute
# to minute. "nothing" is told as well, and does nothing. Printed: the median
# of the pairs, the quartiles, and the mean with its standard error.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_ptrace
: "${TURNS:=30}" "${THREADS:=8}" "${RATES:=100 1000}"
alone
cd "$scratch" || exit 1
mkfifo knob || exit 1

run_tool() { # TOOL HZ
	case $1 in
	nothing)
		cat knob >/dev/null ;;
	psample)
		"$PSAMPLE" -q -F "$2" --control knob -o profile \
			-p "$target_pid" ;;
	perf-dwarf)
		perf record -q -e cpu-clock -F "$2" --call-graph dwarf \
			--control fifo:knob -o profile -p "$target_pid" ;;
	perf-fp)
		perf record -q -e cpu-clock -F "$2" --call-graph fp \
			--control fifo:knob -o profile -p "$target_pid" ;;
	esac
}

measure() { # TOOL HZ: prints a row
	on=start off=stop
	case $1 in
	perf-*) on=enable off=disable ;;
	esac
	start_target "$top_builddir/bench/crowd" "$THREADS" "$TURNS" knob \
		"$on" "$off"
	run_tool "$@" >out 2>err 9>&- </dev/null || cat err >&2
	wait "$target_pid"
	rm -f profile
	sed -n 's/^loss //p' "$target_out" | sort -n |
		awk -v label="$1-$2" '
		{ v[NR] = $1; sum += $1; squares += $1 * $1 }
		END {
			mean = sum / NR
			error = sqrt((squares / NR - mean * mean) / NR)
			printf "%-16s %6.2f (%5.2f to %5.2f) %6.2f +- %.2f\n",
				label, v[int((NR + 1) / 2)],
				v[int((NR + 3) / 4)], v[int((3 * NR + 1) / 4)],
				mean, error
		}'
}

echo "work lost by $THREADS busy threads, percent: median, quartiles, mean"
measure nothing 0
for hz in $RATES; do
	measure psample "$hz"
	command -v perf >/dev/null || continue
	measure perf-dwarf "$hz"
	measure perf-fp "$hz"
done
echo "load of the machine: $(cat /proc/loadavg)"
