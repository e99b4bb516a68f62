#!/bin/sh
# SPDX-License-Identifier: MIT
# held.sh - how long a stop holds a thread, by the depth of its stack.
#
#	sh bench/held.sh	ROUNDS (3) of SECONDS_EACH (5) s each
#
# A busy loop 30, 300 and 3,000 calls deep measures holes in itself
# (tests/programs/gaps.c); those above 8 us are stops, but for some of other
# programs: the row "nothing". Beside psample: a stop without any work
# (bench/stopper.c), libunwind-ptrace in the stop, eu-stack and gdb in a loop.
# HZ (200) stops a second, where the tool can.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_ptrace
: "${ROUNDS:=3}" "${SECONDS_EACH:=5}" "${HZ:=200}"
stopper=$top_builddir/bench/stopper
results=$scratch/results
alone
cd "$scratch" || exit 1

loop() { # COMMAND...: until the target ends; a zombie has no command line
	while grep -q . "/proc/$target_pid/cmdline" 2>/dev/null; do
		"$@" >stack 2>/dev/null </dev/null
	done
}

run_tool() { # TOOL
	case $1 in
	nothing) ;;
	empty)	"$stopper" "$target_pid" "$HZ" "$SECONDS_EACH" ;;
	psample)
		"$PSAMPLE" -q -F "$HZ" -d "$SECONDS_EACH" -o profile \
			-p "$target_pid" ;;
	libunwind)
		"$PSAMPLE" -q --unwind libunwind -F "$HZ" --max-pause 100 \
			-d "$SECONDS_EACH" -o profile -p "$target_pid" ;;
	eu-stack) loop eu-stack -n 0 -p "$target_pid" ;;
	gdb)	loop gdb -nx -batch -p "$target_pid" -ex bt ;;
	esac
}

measure() { # TOOL DEPTH
	start_target "$programs/gaps" "$SECONDS_EACH" "$2" 8000
	run_tool "$1" >tool.out 2>&1 9>&- </dev/null
	wait "$target_pid"
	awk -v tool="$1" -v depth="$2" '{ figure[$1] = $2 } END {
		print tool, depth, figure["gap_p50_ns"] / 1000,
			figure["gap_p99_ns"] / 1000,
			figure["gap_max_ns"] / 1000, figure["gaps_per_s"]
	}' "$target_out" >>"$results"
}

median() { # TOOL DEPTH FIELD
	awk -v tool="$1" -v depth="$2" -v n="$3" \
		'$1 == tool && $2 == depth { print $n }' "$results" |
		sort -n | awk '{ v[NR] = $1 }
		END { printf "%.0f", v[int((NR + 1) / 2)] }'
}

tools="nothing empty psample libunwind"
for tool in eu-stack gdb; do
	! command -v $tool >/dev/null || tools="$tools $tool"
done
: >"$results"
round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	for depth in 30 300 3000; do
		for tool in $tools; do
			measure "$tool" "$depth"
		done
	done
done
echo "held, us: p50 / p99 / max, and how often a second, by depth"
printf '%-10s %28s %28s %28s\n' tool 30 300 3000
for tool in $tools; do
	printf '%-10s' "$tool"
	for depth in 30 300 3000; do
		printf ' %28s' "$(median "$tool" $depth 3) / $(median "$tool" \
			$depth 4) / $(median "$tool" $depth 5), $(median \
			"$tool" $depth 6)"
	done
	echo
done
echo "load of the machine: $(cat /proc/loadavg)"
