#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-beside.sh - time and allocations in one run, and files as time goes on.
#
# Breaks if -e cpu,alloc does not give two whole profiles, of launched and of
# running programs, disturbs the program, or leaves somebody behind; or if
# --every does not write, or what it writes does not grow.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 14
requires_ptrace
cd "$scratch" || exit 1
allocs=$programs/allocs

last() { # EVENT: the file written last
	for file in "$1".*.folded; do :; done
	echo "$file"
}

"$PSAMPLE" -e cpu,alloc -F 500 -o x.folded -- "$allocs" sites 3000 \
	>out 2>err </dev/null
check_equal "a program is launched for both" $? 0 || diag_file err
check "its time is seen" within "$(folded_share x.cpu.folded main any)" 20 100
check "its allocations are seen" within \
	"$(folded_share x.alloc.folded site_large any)" 40 50
check "with exact totals" within \
	"$(sed -n 's/.*estimate . count \([0-9.]*\).*/\1/p' err)" 0.9 1.1

"$PSAMPLE" -q -e cpu,heap -o '%e-%s.folded' -- sh -c 'exit 7' \
	>out 2>err </dev/null
check_equal "the status is the program's" $? 7 || diag_file err
check "%e stands for the event" [ -e cpu-001.folded ] &&
	check "of both" [ -e heap-001.folded ]

start_target "$allocs" loop 2
"$PSAMPLE" -q -e alloc,wall -i 16KiB --every 0.25 -o '%e.%s.folded' \
	-d 0.8 -p "$target_pid" >out 2>err
check_equal "a running program is profiled for both" $? 0 || diag_file err
check "its threads' time is seen" within \
	"$(folded_share "$(last wall)" churn_on any)" 20 100
check "and what they allocate" within \
	"$(folded_share "$(last alloc)" churn any)" 40 99.9
check "--every writes as time goes on" within \
	"$(($(folded_total "$(last alloc)") * 100 /
	$(folded_total alloc.001.folded)))" 110 1000
check "and nobody traces it afterwards" is_untraced "$target_pid"
"$PSAMPLE" -q --every 0.2 -d 0.5 -o 'c.%s.folded' -p "$target_pid" 2>err
check "--every is for profiles of time alone, too" [ -e c.002.folded ]
stop_target

"$PSAMPLE" -e cpu,wall -- true >out 2>err </dev/null
check_equal "two of a kind are refused" $? 2
finish
