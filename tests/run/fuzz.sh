#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh - the fuzzers of tests/fuzz over their seeds: what once broke a
# reader, a report or the prompt, or could, does not do so again.
. "${top_srcdir:-.}/tests/run/lib.sh"
seeds=$top_srcdir/tests/fuzz/seeds
fuzzers=$top_builddir/tests/fuzz
plan 30

replays() { # FUZZER FOLDER
	timeout 60 "$fuzzers/$1" "$seeds/$2" >out 2>&1
}

cd "$scratch" || exit 1
for format in contention count cpu folded gzip heap java maps proto threads
do
	check "the readers get through the seeds of $format" \
		replays fuzz_reader $format || diag_file out
done
check "all reports get through theirs" replays fuzz_report report ||
	diag_file out
check "two profiles are merged, or refused" replays fuzz_merge merge ||
	diag_file out
check "drawings have no boxes over boxes" replays fuzz_picture picture ||
	diag_file out
check "listings get through hostile files" replays fuzz_source source ||
	diag_file out
check "a server gets through hostile requests" replays fuzz_serve serve ||
	diag_file out
check "the prompt gets through its own" replays fuzz_prompt prompt ||
	diag_file out
check "maps and smaps may say anything" replays fuzz_maps maps_text ||
	diag_file out
for name in answer cfi cli decode elf filter gopclntab kept memory perf_map \
	proc ring static
do
	check "hostile input is survived: $name" \
		replays fuzz_$name $name || diag_file out
done
finish
