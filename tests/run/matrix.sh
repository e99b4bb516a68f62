#!/bin/sh
# SPDX-License-Identifier: MIT
# matrix.sh - programs of many kinds, built here, are profiled and held
# against what they are known to do: roots in both modes, names, lines,
# inlined functions. The short form of tests/campaign/matrix.sh.
#
# Breaks if one way to build a program (a compiler, a level of optimization,
# a form of debug information, no unwind tables, a stack in an odd place) is
# not understood.
: "${MATRIX_SECONDS:=0.5}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
. "$top_srcdir/tests/matrix/matrix.sh"
. "$top_srcdir/tests/matrix/kinds_c.sh"
. "$top_srcdir/tests/matrix/kinds_lang.sh"

# NAME[:ROOT[:WALL[:NAMES]]]: the least percentages, 96 if not given
kinds='gcc-O2 clang-O0 clang-O2 gxx-O2 no-pie static static-pie lto
	frame-pointer fp-syscall no-cfi-debug separate no-cfi split-dwarf
	compressed alloca tail asm-expression asm-no-cfi altstack:80:80
	swapcontext:96:96:90 coroutines deep:90:90 big:90:90:85
	corrupt:30:30 vdso:96:96:90 musl-O2 musl-no-cfi
	go-stripped:90:90:85 cgo:60::85 rust-O3 node:90:90:60'
# shellcheck disable=SC2086 # a list
set -- $kinds
plan $#
requires_ptrace

least() { # FIELD: of $bounds
	least=$(echo "$bounds" | cut -s -d : -f "$1")
	echo "${least:-96}"
}

# Every number of the row is at least what it must be, but those in
# parentheses and "-", which the kind does not have.
is_good_row() {
	# Samples and f are not the same in each run; names etc. are.
	awk -F '\t' -v root="$(least 2)" -v wall="$(least 3)" \
		-v names="$(least 4)" '
	function hold(what, value, low) {
		if (value !~ /^[-(]/ && value + 0 < low)
			bad = bad " " what " " value " < " low
	}
	{
		hold("samples", $3, 20)
		hold("root", $4, root)
		hold("wall", $5, wall)
		hold("names", $6, names)
		hold("f", $7, 45)
		hold("g", $7 ~ /^[-(]/ ? $7 : 100 - $7, 25)
		hold("lines", $8, 90)
		hold("inlines", $9, 90)
	}
	END { print bad; exit bad != "" }' "$1"
}

# C++ and Rust tell their names as the linker sees them.
is_told() { # KIND
	case $1 in
	gxx-* | rust-*) "$PSAMPLE" --version | grep -q '[+]demangling' ;;
	esac
}

MATRIX_ONLY=$(for kind; do printf '*/%s ' "${kind%%:*}"; done)
kinds_c
kinds_lang
for bounds; do
	name=${bounds%%:*}
	if ! is_told "$name"; then
		skip "$name" "built without libiberty"
		continue
	fi
	file=$(grep -ls "^$name	" "$rows"/*)
	case $file in
	*.row) check "$name: roots, names, lines, inlines" \
		is_good_row "$file" ;;
	*.skip) skip "$name" "$(cut -f 3 "$file")" ;;
	*) not_ok "$name" "there is no such row" ;;
	esac
done
finish
