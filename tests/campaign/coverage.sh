#!/bin/sh
# SPDX-License-Identifier: MIT
# coverage.sh - which lines of src/ the tests run, by folder and by parser.
# About 15 minutes.
#
#	coverage.sh [TEST...]
#
# TEST is a unit test or a script of tests/run, by its name; all without.
# Built anew in $build/coverage with gcc's --coverage; needs gcov.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
mkdir -p "${top_builddir:-build}/coverage"
cd "${top_builddir:-build}/coverage" || exit 1
[ -e Makefile ] || "$top_srcdir/configure" -q CC=gcc \
	CFLAGS="-O0 -g --coverage" || exit
if ! make -s -j2 >build.log 2>&1 ||
	! make -s -j2 check TESTS= >>build.log 2>&1; then
	tail -n 20 build.log
	exit 1
fi
top_builddir=$PWD
PSAMPLE=$PWD/psample
export top_srcdir top_builddir PSAMPLE

[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # names without blanks
	set -- $(cd tests/unit && find . -name 'test_*' -perm -1 -type f |
		sed 's,^./,,' | sort) \
		$(cd "$top_srcdir/tests/run" && find . -name '*.sh' |
			sed 's,^./,,' | sort)
}
for test; do
	case $test in
	lib.sh | http.sh | real.sh | figures.sh) ;;
	*.sh)	timeout 300 sh "$top_srcdir/tests/run/$test" >log 2>&1 ||
			echo "(failed: $test)" ;;
	*)	timeout 300 "tests/unit/$test" >log 2>&1 ||
			echo "(failed: $test)" ;;
	esac
done

# "File 'src/x.c'" and "Lines executed:90.00% of 50", for each object.
find src -name '*.gcda' | sort | while read -r data; do
	gcov -n -o "$(dirname "$data")" "$data" 2>/dev/null
done | awk -v top="$top_srcdir/" '
	/^File / { file = $2; gsub("\047", "", file); sub(top, "", file) }
	/^Lines executed/ && file ~ /^src\/.*\.c$/ {
		split($0, part, /[:% ]+/)
		share = part[3] + 0; n = $NF + 0
		if (!(file in lines) || share > best[file]) best[file] = share
		lines[file] = n
		file = ""
	}
	function is_parser(f) {
		return f ~ /^src\/(image|profile\/(proto|check|folded|text))/ ||
			f ~ /^src\/report\/(decode|legacy|read|url)/ ||
			f ~ /^src\/symbol\/(perf_map|fde|plt)/ ||
			f ~ /^src\/heap\/(linkmap|slots|go_)/ ||
			f ~ /^src\/serve\/(request|gate)/ ||
			f ~ /^src\/unwind\/(cfi|prologue|go_rows|call_)/
	}
	END {
		for (f in lines) {
			split(f, part, "/")
			n_all[part[2]] += lines[f]
			run[part[2]] += lines[f] * best[f] / 100
			all += lines[f]; all_run += lines[f] * best[f] / 100
			if (!is_parser(f)) continue
			parsers += lines[f]
			parsers_run += lines[f] * best[f] / 100
			printf "  %5.1f %% of %4d  %s\n", best[f], lines[f], f
		}
		for (d in n_all)
			printf "%-10s %5.1f %% of %5d lines\n", d,
				100 * run[d] / n_all[d], n_all[d]
		if (parsers)
			printf "%-10s %5.1f %% of %5d lines\n", "parsers",
				100 * parsers_run / parsers, parsers
		if (all)
			printf "%-10s %5.1f %% of %5d lines\n", "all",
				100 * all_run / all, all
	}' | sort
