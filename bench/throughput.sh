#!/bin/sh
# SPDX-License-Identifier: MIT
# throughput.sh - what a saturated target of 8 threads gets done under psample
# and under perf, at 100 and 1000 Hz, and without.
#
#	sh bench/throughput.sh	ROUNDS (5) of SECONDS_EACH (4) s each
#
# Rounds are interleaved; each is compared with the run of the same round
# without a profiler, and the median of that counts.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_ptrace
: "${ROUNDS:=5}" "${SECONDS_EACH:=4}" "${THREADS:=8}"
alone
cd "$scratch" || exit 1
: >results

run_tool() { # TOOL HZ
	case $1 in
	psample)
		"$PSAMPLE" -q -F "$2" -o profile -p "$target_pid" ;;
	perf-dwarf)
		perf record -q -e cpu-clock -F "$2" --call-graph dwarf \
			-o profile -p "$target_pid" ;;
	perf-fp)
		perf record -q -e cpu-clock -F "$2" --call-graph fp \
			-o profile -p "$target_pid" ;;
	esac
}

measure() { # TOOL HZ: leaves the work that was done in work
	start_target "$top_builddir/bench/crowd" "$SECONDS_EACH" "$THREADS"
	[ "$1" = nothing ] ||
		run_tool "$@" >out 2>err 9>&- </dev/null
	wait "$target_pid"
	work=$(sed -n 's/^work //p' "$target_out")
	rm -f profile
}

tools=psample
! command -v perf >/dev/null || tools="psample perf-dwarf perf-fp"
round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	measure nothing 0
	alone_work=$work
	for hz in 100 1000; do
		for tool in $tools; do
			measure "$tool" $hz
			echo "$tool-$hz $work $alone_work" >>results
		done
	done
	measure nothing 0
	echo "nothing $work $alone_work" >>results
done
echo "work lost by $THREADS busy threads, percent (median, least, most)"
awk '{ print $1 }' results | sort -u | while read -r label; do
	awk -v label="$label" '$1 == label {
		print 100 * ($3 - $2) / $3 }' results | sort -n |
		awk -v label="$label" '{ v[NR] = $1 }
		END { printf "%-16s %6.2f %6.2f %6.2f\n", label,
			v[int((NR + 1) / 2)], v[1], v[NR] }'
done
echo "load of the machine: $(cat /proc/loadavg)"
