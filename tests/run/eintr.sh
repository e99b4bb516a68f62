#!/bin/sh
# SPDX-License-Identifier: MIT
# eintr.sh - blocking calls do not notice that they are watched: no EINTR, no
# early return, hardly any lateness; cpu and wall, also under seccomp.
# SECONDS_EACH (6) of each at 1000 Hz; tests/campaign takes 60, and the true
# bounds on lateness: here they leave room for a machine with other work. What
# that does to a program that nobody watches is seen by one that runs beside.
#
# Breaks if a blocked thread is stopped (EINTR by the hundred), if the race
# that is left is not repaired (a few), or if the repair needs restart_syscall
# (the target under seccomp then dies of SIGSYS, 159).
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${SECONDS_EACH:=6}" "${NATIVE:=beside}" # or "alone", before and after
: "${LATE_P50_US:=1000}" "${LATE_P999_US:=10000}" "${LATE_MAX_US:=50000}"
plan 24
requires_ptrace
alone

# "total: calls 9 woken 1 eintr 0 ...": the number after KEY
figure() { # FILE LINE KEY
	awk -v line="$2:" -v key="$3" '$1 == line {
		for (i = 2; i < NF; i++)
			if ($i == key)
				print $(i + 1)
	}' "$1"
}

worst() { # KEY FILE...
	worst_key=$1
	shift
	for file; do
		figure "$file" total "$worst_key"
	done | sort -n | tail -n 1
}

alone_for_once() { # FILE
	[ "$NATIVE" != alone ] ||
		"$programs/eintr" "$SECONDS_EACH" >"$scratch/native.$1"
}

start_beside() { # ARG...
	[ "$NATIVE" = beside ] || return 0
	"$programs/eintr" "$SECONDS_EACH" "$@" >"$scratch/native" 9>&- &
	beside_pid=$!
	target_pids="$target_pids $beside_pid"
}

end_beside() { # CASE
	[ "$NATIVE" = beside ] || return 0
	wait "$beside_pid"
	forget_target "$beside_pid"
	mv "$scratch/native" "$scratch/native.$1"
}

sampled() { # NAME MODE [--seccomp]
	name=$1 mode=$2
	shift 2
	out=$scratch/$mode$*
	start_beside "$@"
	"$PSAMPLE" -e "$mode" -F 1000 -f folded -o "$scratch/profile" -- \
		"$programs/eintr" "$SECONDS_EACH" "$@" \
		>"$out" 2>"$scratch/err" </dev/null
	check_equal "$name: the program ends well" $? 0
	end_beside "$mode$*"
	grep ^total "$out" | sed "s/^/# $name /"
	grep '^psample:.*\(held\|lost\)' "$scratch/err" | sed 's/^/# /'
	check_equal "$name: no call fails with EINTR" \
		"$(figure "$out" total eintr)" 0 || diag_file "$out"
	check_equal "$name: no call returns early" \
		"$(figure "$out" total early)" 0 || diag_file "$out"
}

punctual() { # CASE: compared with the native runs, which all are over
	out=$scratch/$1
	set -- "$1" "$scratch/native.$1"
	[ "$NATIVE" = beside ] || set -- "$1" "$scratch"/native.*
	name=$1
	shift
	grep -h ^total "$@" | sed "s/^/# $NATIVE, $name: /"
	check "$name: half of the timeouts as punctual as $NATIVE" within \
		"$(figure "$out" total late_p50_us)" 0 \
		$(($(worst late_p50_us "$@") + LATE_P50_US))
	check "$name: 99.9 % of timeouts as punctual as $NATIVE" within \
		"$(figure "$out" total late_p999_us)" 0 \
		$(($(worst late_p999_us "$@") + LATE_P999_US))
	check "$name: the latest timeout too" within \
		"$(figure "$out" total late_max_us)" 0 \
		$(($(worst late_max_us "$@") + LATE_MAX_US))
}

alone_for_once before
sampled "cpu" cpu
sampled "wall" wall
sampled "cpu, seccomp" cpu --seccomp
sampled "wall, seccomp" wall --seccomp
alone_for_once after
for case in cpu wall cpu--seccomp wall--seccomp; do
	punctual "$case"
done
finish
