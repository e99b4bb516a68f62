#!/bin/sh
# SPDX-License-Identifier: MIT
# real-programs.sh - python3, perl, sqlite3, xz, openssl, gcc's cc1, redis and
# nginx under load, launched and attached: the short form of
# tests/campaign/real.sh.
#
# Breaks if a library's CFI is not understood (stacks end early), if exported
# names are not found, if children are not followed (gcc, nginx), or if pprof
# has anything to complain about in the file.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
. "$top_srcdir/tests/run/real.sh"
plan $((8 * real_tests))
requires_ptrace
for program in $real_programs; do
	real_case "$program"
done
finish
