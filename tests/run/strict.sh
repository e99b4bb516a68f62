#!/bin/sh
# SPDX-License-Identifier: MIT
# strict.sh - programs that may only read, write and exit, by strict seccomp
# or by a filter that kills, live on: launched and attached, cpu and wall, RUNS
# (2) times each; tests/campaign does 100. MODES (cpu wall) and KINDS (mode
# filter) say which. A run may take LIMIT (20) seconds: at nice 19 next to 30
# busy loops none is over by then, and is killed by timeout(1), not by seccomp.
#
# Breaks if a stop leaves a call to be gone on with by restart_syscall(2), or
# if anything is made to run in the target: each would be its end.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${RUNS:=2}" "${LIMIT:=20}" "${MODES:=cpu wall}" "${KINDS:=mode filter}"
n_cases=0
for kind in $KINDS; do
	for mode in $MODES; do
		n_cases=$((n_cases + 2))
	done
done
plan $n_cases
requires_ptrace
profile=$scratch/profile
mkfifo "$scratch/input"

# psample's own status is the program's.
launched() { # KIND MODE
	timeout -s KILL "$LIMIT" "$PSAMPLE" -q -e "$2" -F 1000 -f folded \
		-o "$profile" -- "$programs/strict" "$1" 100 \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	echo "$? $(sed -n 's/.*wrong //p' "$scratch/out")" >"$scratch/got"
}

# It goes on until its input ends, and that is while it is attached to.
attached() { # KIND MODE
	"$programs/strict" "$1" 0 <"$scratch/input" >"$scratch/out" 2>&1 9>&- &
	victim=$!
	target_pids="$target_pids $victim"
	exec 5>"$scratch/input"
	wait_until 30 has_line "$scratch/out"
	timeout -s KILL "$LIMIT" "$PSAMPLE" -q -e "$2" -F 1000 -f folded \
		-o "$profile" -p "$victim" >"$scratch/err" 2>&1 \
		</dev/null 5>&- 9>&- &
	sampler=$!
	wait_until 20 is_traced "$victim"
	sleep 0.1
	exec 5>&-
	wait "$victim"
	echo "$? $(sed -n 's/.*wrong //p' "$scratch/out")" >"$scratch/got"
	forget_target "$victim"
	wait "$sampler" || echo "psample $?" >"$scratch/got"
}

repeat() { # NAME COMMAND...
	name=$1 n_good=0 left=$RUNS
	shift
	while [ "$left" -gt 0 ]; do
		left=$((left - 1)) begin=$(date +%s)
		"$@"
		if [ "$(cat "$scratch/got")" = "7 0" ]; then
			n_good=$((n_good + 1))
		else
			diag "$name: $(cat "$scratch/got")," \
				"after $(($(date +%s) - begin)) of $LIMIT s"
			diag_file "$scratch/err" 3
		fi
	done
	check_equal "$name: lives on, $RUNS times" "$n_good" "$RUNS"
}

for mode in $MODES; do
	for kind in $KINDS; do
		repeat "strict $kind, launched, $mode" launched "$kind" "$mode"
		repeat "strict $kind, attached, $mode" attached "$kind" "$mode"
	done
done
finish
