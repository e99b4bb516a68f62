#!/bin/sh
# SPDX-License-Identifier: MIT
# rows.sh - rows and libunwind walk the same snapshots of real programs to the
# same addresses. ROWS_STACKS (120) of each program; tests/campaign/rows.sh
# takes 1,300 of each of the eight.
#
# Breaks if a rule of the CFI is compiled wrongly, or a step loses a register
# that a frame further out needs. One difference is explained: at the PLT
# entries of some C++ programs libunwind 1.6.2 stops, where rows go on.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
. "$top_srcdir/tests/run/real.sh"
: "${ROWS_STACKS:=120}" "${ROWS_PROGRAMS:=$real_programs}"
oracle=$top_builddir/tests/tools/oracle
# shellcheck disable=SC2086 # words on purpose
set -- $ROWS_PROGRAMS
plan $(($# * 4 + 1))
requires_ptrace
n_all=0

count() { # LABEL: "  identical                1300"
	sed -n "s/^  $1  *\([0-9][0-9]*\)\$/\1/p" "$scratch/oracle"
}

compare() { # PROGRAM
	REAL_SECONDS=$((4 + ROWS_STACKS / 100))
	"real_$1"
	for program in $real_needs; do
		command -v "$program" >/dev/null && continue
		for i in 1 2 3 4; do
			skip "$1, test $i" "needs $program"
		done
		return
	done
	start_background sh "$scratch/command"
	server_wait
	load_start
	wait_until 10 has_worker
	timeout 120 "$oracle" -p "$worker" -n "$ROWS_STACKS" \
		>"$scratch/oracle" 2>&1
	load_stop
	kill -TERM "$worker" "$target_pid" 2>/dev/null
	wait "$target_pid" 2>/dev/null
	n_stacks=$(sed -n 's/^stacks \([0-9]*\),.*/\1/p' "$scratch/oracle")
	check "$1: snapshots were taken" \
		[ "${n_stacks:-0}" -ge $((ROWS_STACKS / 4)) ] ||
		diag_file "$scratch/oracle" 5
	n_all=$((n_all + ${n_stacks:-0}))
	check_equal "$1: no frame differs" "$(count 'frames differ')" 0 ||
		diag_file "$scratch/oracle" 40
	check_equal "$1: libunwind never gets further" \
		"$(count 'libunwind goes further')" 0 ||
		diag_file "$scratch/oracle" 40
	check "$1: where libunwind stops is rare" within \
		"$(count 'rows go further')" 0 $((n_stacks / 50)) ||
		diag_file "$scratch/oracle" 40
	sed -n "s/^rows are/# $1: $n_stacks stacks, rows are/p" \
		"$scratch/oracle"
}

for program in $ROWS_PROGRAMS; do
	compare "$program"
done
check "$n_all stacks in all" [ "$n_all" -ge "${ROWS_ALL:-500}" ]
finish
