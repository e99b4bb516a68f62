#!/bin/sh
# SPDX-License-Identifier: MIT
# eintr.sh - blocking calls do not notice that they are watched: no EINTR, no
# early return, hardly any lateness; cpu and wall, also under seccomp.
# SECONDS_EACH (10) of each at 1000 Hz; tests/campaign takes 60, and the true
# bounds on lateness: here they leave room for a machine with other work.
#
# Breaks if a blocked thread is stopped (EINTR by the hundred), if the race
# that is left is not repaired (a few), or if the repair needs restart_syscall
# (the target under seccomp then dies of SIGSYS, 159).
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${SECONDS_EACH:=10}" "${SECONDS_ALONE:=3}"
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

larger() {
	awk -v a="$1" -v b="$2" 'BEGIN { print (a + 0 > b + 0) ? a : b }'
}

native() { # the worst of what this machine does by itself
	"$programs/eintr" "$SECONDS_ALONE" >"$scratch/native"
	native_p50=$(larger "${native_p50:-0}" \
		"$(figure "$scratch/native" total late_p50_us)")
	native_p999=$(larger "${native_p999:-0}" \
		"$(figure "$scratch/native" total late_p999_us)")
	native_max=$(larger "${native_max:-0}" \
		"$(figure "$scratch/native" total late_max_us)")
	native_calls=$(figure "$scratch/native" total calls)
}

sampled() { # NAME MODE [--seccomp]
	name=$1 mode=$2
	shift 2
	out=$scratch/$mode$*
	"$PSAMPLE" -e "$mode" -F 1000 -f folded -o "$scratch/profile" -- \
		"$programs/eintr" "$SECONDS_EACH" "$@" \
		>"$out" 2>"$scratch/err" </dev/null
	check_equal "$name: the program ends well" $? 0
	grep ^total "$out" | sed "s/^/# $name /"
	grep '^psample:.*\(held\|lost\)' "$scratch/err" | sed 's/^/# /'
	check_equal "$name: no call fails with EINTR" \
		"$(figure "$out" total eintr)" 0 || diag_file "$out"
	check_equal "$name: no call returns early" \
		"$(figure "$out" total early)" 0 || diag_file "$out"
}

# Compared only after both native runs, which surround the sampled ones.
punctual() { # NAME FILE
	check "$1: half of all timeouts are as punctual as alone" within \
		"$(figure "$2" total late_p50_us)" 0 \
		$((native_p50 + LATE_P50_US))
	check "$1: 99.9 % of timeouts as punctual as alone" within \
		"$(figure "$2" total late_p999_us)" 0 \
		$((native_p999 + LATE_P999_US))
	check "$1: the latest timeout too" within \
		"$(figure "$2" total late_max_us)" 0 \
		$((native_max + LATE_MAX_US))
}

native
sampled "cpu" cpu
sampled "wall" wall
sampled "cpu, seccomp" cpu --seccomp
sampled "wall, seccomp" wall --seccomp
native
grep ^total "$scratch/native" | sed 's/^/# alone /'
diag "alone: p99.9 $native_p999 us, max $native_max us, $native_calls calls"
for case in cpu wall cpu--seccomp wall--seccomp; do
	punctual "$case" "$scratch/$case"
done
finish
