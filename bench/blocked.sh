#!/bin/sh
# SPDX-License-Identifier: MIT
# blocked.sh - psample's CPU for one busy thread among 1,000 and 10,000 that
# block, in cpu and wall mode at 100 Hz.
#
#	sh bench/blocked.sh [THREADS...]	for SECONDS_EACH (20) s each
#
# By its own count and by the kernel's, which has attaching, naming and exit.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
requires_ptrace
: "${SECONDS_EACH:=20}"
[ $# -gt 0 ] || set -- 1000 10000
alone
cd "$scratch" || exit 1
printf '%-8s %-5s %10s %13s %9s %s\n' threads mode "own, %" "kernel's, %" \
	"peak, MiB" "ticks late or missed"
for n; do
	for mode in cpu wall; do
		start_target "$programs/blocked" $((SECONDS_EACH + 60)) "$n"
		"$top_builddir/bench/cost" "$PSAMPLE" -e $mode -F 100 \
			-d "$SECONDS_EACH" -o profile -p "$target_pid" \
			2>err >out </dev/null 9>&-
		# The last line is that of bench/cost: seconds, CPU, MiB.
		tail -n 1 err >cost
		awk -v n="$n" -v mode=$mode -v own="$(summary_own_percent \
			err)" -v late="$(sed -n \
			's/^psample: lost: \(.*missed\).*/\1/p' err)" '{
			printf "%-8s %-5s %10s %13.2f %9s %s\n", n, mode, own,
				100 * $2 / $1, $3, late }' cost
		stop_target
	done
done
echo "load of the machine: $(cat /proc/loadavg)"
