#!/bin/sh
# SPDX-License-Identifier: MIT
# coverage.sh - which lines of src/ the tests run, by folder and by parser.
# About 30 minutes.
#
#	coverage.sh [-l] [TEST...]
#
# TEST is a unit test or a script of tests/run, by its name; all without.
# Built in $build/coverage with gcc's --coverage; needs gcov. What is run later
# adds to it, so that a long run can be cut into parts. With -l nothing is run:
# the lines of src/ that were not are shown.
#
# Left out is what runs in targets (libps-agent.a), where counters would be
# written to memory that is not there; what a confined child does, which may
# write no file; and what SIGKILL ends.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
mkdir -p "${top_builddir:-build}/coverage"
cd "${top_builddir:-build}/coverage" || exit 1

# Processes that end by _exit(2) leave their counts, too, and readers of files
# (util/confine.c) have a second for it before they are killed.
cat >exit.new <<'H'
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
void __gcov_dump(void);
static inline void __attribute__((noreturn)) coverage_exit(int status)
{
	__gcov_dump();
	_exit(status);
}
static inline void coverage_await(long nr, ...)
{
	struct pollfd ended = { .events = POLLIN };
	va_list args;

	va_start(args, nr);
	ended.fd = va_arg(args, int);
	va_end(args);
	if (nr == SYS_pidfd_send_signal)
		poll(&ended, 1, 1000);
}
#define _exit coverage_exit
#define syscall(...) (coverage_await(__VA_ARGS__, 0), syscall(__VA_ARGS__))
H
cmp -s exit.new exit.h || mv exit.new exit.h # what is built is kept
build_all() { # the programs of tests are as they always are
	[ -e Makefile ] || "$top_srcdir/configure" -q CC=gcc \
		LDFLAGS=--coverage || return
	counted="-O0 -g --coverage -fprofile-update=atomic"
	make -s -j2 libps-agent.a CFLAGS="-O2 -g" &&
		make -s -j2 CFLAGS="$counted" CPPFLAGS="-include $PWD/exit.h" &&
		make -s -j2 check TESTS= CFLAGS="-O1 -g"
}
if ! build_all >build.log 2>&1; then
	tail -n 20 build.log
	exit 1
fi
top_builddir=$PWD
PSAMPLE=$PWD/psample
GCOV_ERROR_FILE=/dev/null # who may not write is not to say so
export top_srcdir top_builddir PSAMPLE GCOV_ERROR_FILE

if [ "${1:-}" = -l ]; then
	find src -name '*.gcda' | while read -r data; do
		gcov -t -o "$(dirname "$data")" "$data" 2>/dev/null
	done | awk -v top="$top_srcdir/" -F : '
	/^ *-: *0:Source:/ { file = $4; sub(top, "", file) }
	file !~ /^src\/.*\.c$/ || $1 ~ /-$/ { next }
	{ at = file ":" $2 + 0 }
	$1 !~ /#####/ { run[at] } # maybe in another library
	$1 ~ /#####/ { text[at] = substr($0, length($1 $2) + 3) }
	END { for (at in text) if (!(at in run)) print at ":" text[at] }
	' | sort -t : -k 1,1 -k 2,2n
	exit
fi
# Tests run psample as other users, too.
share_counts() {
	find . -type d -exec chmod a+rwx {} +
	find . -name '*.gcda' -exec chmod a+rw {} +
}

[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # names without blanks
	set -- $(cd tests/unit && find . -name 'test_*' -perm -1 -type f |
		sed 's,^./,,' | sort) \
		$(cd "$top_srcdir/tests/run" && find . -name '*.sh' |
			sed 's,^./,,' | sort)
}
mkdir -p logs
for test; do
	share_counts
	case $test in
	lib.sh | http.sh | real.sh | figures.sh) ;;
	*.sh)	timeout 300 sh "$top_srcdir/tests/run/$test" \
			>"logs/$test" 2>&1 ||
			echo "(failed: $test)" ;;
	*)	timeout 300 "tests/unit/$test" >"logs/$test" 2>&1 ||
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
