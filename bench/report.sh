#!/bin/sh
# SPDX-License-Identifier: MIT
# report.sh - psample's reports on a large profile beside go tool pprof's.
#
#	sh bench/report.sh [ROUNDS]	1 if not given, some 5 minutes
#
# The profile is bench/million.c's: 1,000,000 samples, 100,000 distinct stacks
# of depth 40. dot stands for svg, whose layout is Graphviz's with both. Medians
# of elapsed time and of peak memory; rounds interleaved. $MUST=no: only tell.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_program go
rounds=${1:-1}
alone
cd "$scratch" || exit 1
cost=$top_builddir/bench/cost
pprof=$(go tool -n pprof 2>/dev/null)
[ -x "$pprof" ] || pprof=
"$top_builddir/bench/million" | gzip -1 >million.pb.gz || exit 1
HOME=$scratch
export HOME

run() { # LABEL COMMAND...: a line "label seconds cpu MiB"
	label=$1
	shift
	"$cost" "$@" >"$label.out" 2>run.err </dev/null ||
		diag "failed: $*"
	echo "$label $(tail -n 1 run.err)" >>results
}

options_of() { # REPORT
	case $1 in
	peek)	echo "-peek=method_17[0-9]\$" ;;
	*)	echo "-$1" ;;
	esac
}

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	for report in top peek tree dot; do
		option=$(options_of $report)
		# shellcheck disable=SC2086 # none is two words
		run psample-$report "$PSAMPLE" report -symbolize=none \
			"$option" million.pb.gz
		# shellcheck disable=SC2086
		run pprof-$report ${pprof:-go tool pprof} -symbolize=none \
			"$option" million.pb.gz
	done
done

median() { # LABEL COLUMN
	awk -v label="$1" -v column="$2" '$1 == label { print $column }' \
		results | sort -n |
		awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

plan 12
printf '# %-5s %9s %9s %7s %9s %9s %7s\n' '' psample pprof times psample \
	pprof share
for report in top peek tree dot; do
	ours=$(median psample-$report 2) theirs=$(median pprof-$report 2)
	our_mib=$(median psample-$report 4) their_mib=$(median pprof-$report 4)
	awk -v r=$report -v a="$ours" -v b="$theirs" -v c="$our_mib" \
		-v d="$their_mib" 'BEGIN { printf "# %-5s %8.2fs %8.2fs " \
		"%7.1f %6.0fMiB %6.0fMiB %6.2f\n", r, a, b, b / a, c, d,
		c / d }'
	check "$report equals pprof's" \
		cmp -s psample-$report.out pprof-$report.out
	check "$report is 10 times as fast" [ "${MUST:-yes}" = no -o \
		"$(awk -v a="$ours" -v b="$theirs" \
			'BEGIN { print a * 10 <= b }')" = 1 ]
	check "$report takes less than half of the memory" \
		[ "${MUST:-yes}" = no -o "$(awk -v a="$our_mib" \
		-v b="$their_mib" 'BEGIN { print a * 2 < b }')" = 1 ]
done
finish
