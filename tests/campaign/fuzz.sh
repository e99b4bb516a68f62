#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh - the fuzzers with libFuzzer and sanitizers, SECONDS for each.
#
#	fuzz.sh SECONDS [FOLDER...]
#
# FOLDER is one of tests/fuzz/seeds, all without it. Prints for each how many
# inputs were run and what broke; an input that takes over 5 s or 512 MiB is a
# defect, too. What breaks is left in $build/fuzz/FOLDER: make it a seed. Needs
# clang.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
build=${top_builddir:-build}/fuzz
seconds=${1:-60}
[ $# = 0 ] || shift
seeds=$top_srcdir/tests/fuzz/seeds
if ! command -v clang >/dev/null; then
	echo "fuzz.sh: needs clang" >&2
	exit 1
fi
mkdir -p "$build"
cd "$build" || exit 1
build=$PWD
# What is freed stays ASan's for a while, and is not the program's any more.
ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=64}
export ASAN_OPTIONS

build_fuzzers() {
	flags=-fsanitize=address,undefined,fuzzer-no-link
	[ -e Makefile ] || "$top_srcdir/configure" -q CC=clang \
		CFLAGS="-O1 -g -fno-omit-frame-pointer $flags -DFUZZING" \
		LDFLAGS=-fsanitize=address,undefined || {
		echo "fuzz.sh: does clang have its sanitizers? Debian has" \
			"them in libclang-rt-dev" >&2
		return 1
	}
	for program in answer cfi cli decode elf filter gopclntab kept maps \
		memory merge perf_map picture proc prompt reader report \
		ring serve source static; do
		make -s FUZZER_FLAGS=-fsanitize=fuzzer \
			tests/fuzz/fuzz_$program || return
	done
}

if ! build_fuzzers >build.log 2>&1; then
	cat build.log >&2
	exit 1
fi

fuzzer_of() { # FOLDER: the program and its dictionary
	case $1 in
	answer | cfi | decode | elf | gopclntab | kept | memory | ring | \
	static)
		echo "fuzz_$1" elf.dict ;;
	cli)	echo fuzz_cli cli.dict ;;
	filter)	echo fuzz_filter text.dict ;;
	maps_text) echo fuzz_maps proc.dict ;;
	perf_map | proc)
		echo "fuzz_$1" proc.dict ;;
	merge)	echo fuzz_merge proto.dict ;;
	picture) echo fuzz_picture dot.dict ;;
	prompt)	echo fuzz_prompt prompt.dict ;;
	report)	echo fuzz_report proto.dict ;;
	serve)	echo fuzz_serve serve.dict ;;
	source)	echo fuzz_source source.dict ;;
	proto | gzip)
		echo fuzz_reader proto.dict ;;
	*)	echo fuzz_reader text.dict ;;
	esac
}

n_broken=0
fuzz() { # FOLDER
	folder=$1
	# shellcheck disable=SC2046 # two words
	set -- $(fuzzer_of "$folder")
	mkdir -p "$folder/corpus" "$folder/broken"
	before=$(find "$folder/broken" -type f | wc -l)
	"tests/fuzz/$1" -max_total_time="$seconds" -rss_limit_mb=512 \
		-timeout=5 -max_len=65536 -print_final_stats=1 \
		-dict="$top_srcdir/tests/fuzz/$2" \
		-artifact_prefix="$build/$folder/broken/" \
		"$folder/corpus" "$seeds/$folder" >"$folder/log" 2>&1
	status=$?
	after=$(find "$folder/broken" -type f | wc -l)
	awk -v folder="$folder" -v broken=$((after - before)) '
	/number_of_executed_units/ { runs = $2 }
	/peak_rss_mb/ { rss = $2 }
	/slowest_unit_time_sec/ { slowest = $2 }
	/^#[0-9]+.*cov: / { match($0, /cov: [0-9]+/)
		coverage = substr($0, RSTART + 5, RLENGTH - 5) }
	END { printf "%-12s %10d runs, %6d edges, slowest %d s, " \
		"%d MiB, %d broke\n", folder, runs, coverage, slowest, rss,
		broken }' "$folder/log"
	[ $status = 0 ] && [ "$after" = "$before" ] && return
	n_broken=$((n_broken + 1))
	grep -E 'ERROR|SUMMARY|Assertion' "$folder/log" | head -n 4
}

# shellcheck disable=SC2046 # a list of words
[ $# -gt 0 ] || set -- $(ls "$seeds")
for name; do
	fuzz "$name"
done
echo "$# fuzzed for $seconds s each, $n_broken with defects"
[ $n_broken = 0 ]
