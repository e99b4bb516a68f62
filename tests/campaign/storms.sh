#!/bin/sh
# SPDX-License-Identifier: MIT
# storms.sh - births and deaths by the thousand: storms.sh [SECONDS].
#
# Next to the same program alone: clone, fork, vfork with exec, names, for
# SECONDS (3) each; execs by leaders and by other threads; attaching in a storm
# of execs, TRIES (100) times; processes in a pid namespace of few numbers;
# 10,000 threads. Throughput needs a quiet machine. PARTS: rates, attach (in
# STORMS (1) storms of execs at once, TRIES in each, for at most LIMIT
# seconds), rest. Counts add up over runs.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
seconds=${1:-3}
tries=${TRIES:-100} limit=${LIMIT:-110} storms=${STORMS:-1}
parts=${PARTS:-rates attach rest}
planned=0
for part in $parts; do
	case $part in
	rates) planned=$((planned + 8)) ;;
	attach) planned=$((planned + 4)) ;;
	rest) planned=$((planned + 7)) ;;
	esac
done
plan $planned
requires_ptrace
profile=$scratch/profile

rate() { # FILE
	sed -n 's/.*per_second \([0-9]*\).*/\1/p' "$1"
}

# The better of two runs alone, before and after.
against_native() { # KIND PERCENT
	"$programs/storm" "$1" "$seconds" >"$scratch/native"
	timeout -s KILL 60 "$PSAMPLE" -F 100 -f folded -o "$profile" -- \
		"$programs/storm" "$1" "$seconds" >"$scratch/out" \
		2>"$scratch/err" </dev/null
	status=$?
	"$programs/storm" "$1" "$seconds" >"$scratch/after"
	native=$(rate "$scratch/native")
	after=$(rate "$scratch/after")
	[ "$after" -le "$native" ] || native=$after
	percent=$((100 * $(rate "$scratch/out") / native))
	check_equal "$1: ends as it should" \
		"$status $(sed -n 's/.*wrong //p' "$scratch/out")" "0 0" ||
		diag_file "$scratch/err"
	check "$1: $(rate "$scratch/out") a second, alone $native" within \
		"$percent" "$2" 1000
	diag "$1: $percent % of the throughput alone (goal $2)"
	grep '^psample:.*\(lost\|processes\)' "$scratch/err" | sed 's/^/# /'
}

part_rates() {
	against_native clone 65
	against_native fork 75
	against_native vfork 90
	against_native names 90
}

# One storm, and attaching to it: "N BAD LATE SLOWEST HARMED" in attach.NUMBER
attach_to_storm() { # NUMBER
	n_bad=0 n_late=0 n_harmed=0 slowest=0 i=0
	own=$scratch/own.$1
	while [ "$i" -lt "$tries" ] &&
		[ $(($(date +%s) - start)) -lt "$limit" ]; do
		if [ $((i % 20)) = 0 ]; then
			[ "$i" = 0 ] || end_storm
			start_background "$programs/exec_chain" thread \
				1000000 1
		fi
		i=$((i + 1))
		begin=$(date +%s%3N)
		timeout -s KILL 60 "$PSAMPLE" -q -F 1000 -d 0.01 -f folded \
			-o "$own" -p "$target_pid" >"$own.err" 2>&1 ||
			{ n_bad=$((n_bad + 1)); diag_file "$own.err" 3; }
		took=$(($(date +%s%3N) - begin))
		[ "$took" -lt 1000 ] || n_late=$((n_late + 1))
		[ "$took" -le "$slowest" ] || slowest=$took
	done
	end_storm
	echo "$i $n_bad $n_late $slowest $n_harmed" >"$scratch/attach.$1"
}

# It must have gone on, and nobody trace it. While a thread that calls exec
# waits for the leader's end, that is a zombie.
end_storm() {
	if ! wait_until 5 is_alive "$target_pid" ||
		! wait_until 5 is_untraced "$target_pid" ||
		has_stopped_threads "$target_pid"; then
		n_harmed=$((n_harmed + 1))
		diag_file "/proc/$target_pid/status"
	fi
	stop_target
}

# Two cores full of threads that wake each other can starve a process for ten
# seconds: so one that needs 30 ms of a core is timed beside the storms. A run
# of psample is about three of them, one after the other.
part_attach() {
	start=$(date +%s) pids=
	start_background "$programs/lateness" work 100000
	beside=$target_pid beside_out=$target_out
	for number in $(seq "$storms"); do
		attach_to_storm "$number" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # words
	wait $pids
	awk '{ n += $1; bad += $2; late += $3; harmed += $5 }
		$4 > slowest { slowest = $4 }
		END { print n, bad, late, slowest + 0, harmed, NR }' \
		"$scratch"/attach.* >"$scratch/attached"
	read -r n n_bad n_late slowest n_harmed n_storms <"$scratch/attached"
	kill "$beside"
	wait "$beside"
	forget_target "$beside"
	check_equal "every storm of $storms was attached to" "$n_storms" \
		"$storms"
	check_equal "attaching in a storm of execs, $n times" "$n_bad" 0
	starved=$(sed -n 's/.*worst_ms \([0-9]*\).*/\1/p' "$beside_out")
	diag "$n_late of $n took a second or more; beside them, processes" \
		"of 30 ms: $(cat "$beside_out")"
	check "the slowest took $slowest ms" within "$slowest" 0 \
		$((3000 + 3 * starved))
	check_equal "the programs go on, and are not traced" "$n_harmed" 0
}

# Numbers come round every 400 processes; needs a kernel with pid_max by
# namespace (6.14).
few_numbers() {
	unshare -pf --mount-proc sh -c '
		echo 400 >/proc/sys/kernel/pid_max &&
		exec "$0" -q -F 500 -f folded -o "$1" -- "$2" fork "$3"' \
		"$PSAMPLE" "$profile" "$programs/storm" "$seconds"
}

part_rest() {
	for who in leader thread; do
		timeout -s KILL 60 "$PSAMPLE" -q -F 1000 -f folded \
			-o "$profile" -- "$programs/exec_chain" "$who" 200 2 \
			>"$scratch/out" 2>&1
		check_equal "200 execs by a $who" $? 6
		check "before and after are in the profile" within "$(
			folded_match "$profile" '(before_exec|after_exec)')" \
			15 100
	done
	if [ "$(id -u)" = 0 ] && unshare -pf --mount-proc sh -c \
		'echo 400 >/proc/sys/kernel/pid_max' 2>/dev/null; then
		check "numbers of processes that come again" few_numbers
	else
		skip "numbers of processes that come again" \
			"needs pid_max of its own"
	fi

	start_target "$programs/storm" many 60 10000
	n_threads=$(find "/proc/$target_pid/task" -maxdepth 1 -mindepth 1 |
		wc -l)
	begin=$(date +%s%3N)
	timeout -s KILL 60 "$PSAMPLE" -e wall -F 100 -d 1 -f folded \
		-o "$profile" -p "$target_pid" >"$scratch/err" 2>&1 </dev/null
	status=$?
	took=$(($(date +%s%3N) - begin))
	check_equal "$n_threads threads: status" "$status" 0 ||
		diag_file "$scratch/err"
	diag "$n_threads threads: $took ms for a run of 1 s"
	check "$n_threads threads: attached, sampled, left in time" \
		within "$took" 0 4000
	stop_target
}

for part in $parts; do
	"part_$part"
done
finish
