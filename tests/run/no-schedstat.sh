#!/bin/sh
# SPDX-License-Identifier: MIT
# no-schedstat.sh - a kernel without schedstat: context switches and clock
# ticks do instead, and it is said.
#
# The target's schedstat is covered by /dev/null in a mount namespace of
# psample's own. Breaks if threads that cannot be judged are left out (no
# samples at all), or if the reader is not told.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 5
requires_ptrace
alone
start_target "$programs/truth" one 600
unshare -m true 2>/dev/null ||
	skip_all "mount namespaces are not permitted here"
before=$(cpu_ticks "$target_pid")
unshare -m sh -c '
	mount --bind /dev/null "/proc/$1/task/$1/schedstat" || exit 77
	exec "$2" -F 200 -d 3 -f folded -o "$3" -p "$1"' sh \
	"$target_pid" "$PSAMPLE" "$scratch/profile" 2>"$scratch/err"
status=$?
# What it has used while psample ran, in ns: on a busy machine not 3 s.
used=$((($(cpu_ticks "$target_pid") - before) * 1000000000 /
	$(getconf CLK_TCK)))
[ $status != 77 ] || skip_all "mounting on /proc is not permitted here"
check_equal "a run without schedstat ends well" $status 0 ||
	diag_file "$scratch/err"
check "it says so at once" has_text "$scratch/err" "keeps no schedstat"
check "the summary says what that means" \
	has_text "$scratch/err" "shares are less exact"
check "a busy thread's function has its share" within \
	"$(folded_share "$scratch/profile" f any)" 50 70
check "the total is exact all the same" within \
	"$(folded_total "$scratch/profile")" $((used * 6 / 10)) \
	$((used + 100000000))
finish
