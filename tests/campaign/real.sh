#!/bin/sh
# SPDX-License-Identifier: MIT
# real.sh - the programs of tests/run/real-programs.sh for 10 s each, 99 % of
# stacks to the root; then three of them built from Debian's sources with -g,
# so that names of static functions are tested too. About 10 minutes, the
# network for apt-get source (dpkg-dev), and what those builds need.
#
#	real.sh [PART...]	python3 nginx ..., xz-g sqlite3-g redis-g
#
# All of them without a PART.
: "${REAL_SECONDS:=10}" "${REAL_ROOTED:=99}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
. "$top_srcdir/tests/run/real.sh"
# shellcheck disable=SC2086 # a list
[ $# -gt 0 ] || set -- $real_programs xz-g sqlite3-g redis-g
built='' planned=0
for part; do
	case $part in
	*-g) built="$built ${part%-g}" planned=$((planned + 3)) ;;
	*) planned=$((planned + real_tests)) ;;
	esac
done
plan $planned
requires_ptrace
for part; do
	case $part in
	*-g) ;;
	*) real_case "$part" ;;
	esac
done

# --- with debug information -------------------------------------------

# apt's own lists stay as they are: sources go to lists of our own.
source_lists() {
	mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/parts"
	debian=/etc/apt/sources.list.d/debian.sources
	[ ! -e $debian ] || sed 's/^Types:.*/Types: deb-src/' $debian \
		>"$scratch/apt/parts/debian.sources"
	[ ! -s /etc/apt/sources.list ] ||
		sed -n 's/^deb /deb-src /p' /etc/apt/sources.list \
			>"$scratch/apt/parts/own.list"
	source_apt update
}

source_apt() {
	apt-get -qq -o Dir::State::lists="$scratch/apt/lists" \
		-o Dir::Etc::sourceparts="$scratch/apt/parts" \
		-o Dir::Etc::sourcelist=/dev/null \
		-o APT::Sandbox::User=root "$@" >>"$scratch/apt.log" 2>&1
}

source_get() { # PACKAGE: leaves its tree in $tree
	mkdir -p "$scratch/src/$1"
	chmod 777 "$scratch" "$scratch/src/$1"
	(cd "$scratch/src/$1" && source_apt source "$1") || return 1
	tree=$(find "$scratch/src/$1" -mindepth 1 -maxdepth 1 -type d)
	[ -n "$tree" ]
}

build() { # COMMANDS in $tree
	(cd "$tree" && sh -ec "$1") >"$scratch/build.log" 2>&1 </dev/null
}

build_xz() {
	source_get xz-utils && build 'autoreconf -fi >/dev/null 2>&1 || :
		./configure -q --disable-shared CFLAGS="-O2 -g"
		make -s -j2' || return 1
	real_xz
	set_command "$tree/src/xz/xz" -9 -k -c -T1 "$scratch/numbers"
	built_names='lzma_mf_bt4_find|bt_find_func|lzma_lzma_encode'
}

build_sqlite3() {
	source_get sqlite3 && build './configure -q --disable-tcl \
		--disable-shared CFLAGS="-O2 -g" || ./configure \
		--disable-shared CFLAGS="-O2 -g"
		make -s -j2 sqlite3' || return 1
	real_sqlite3
	sed "s|'sqlite3'|'$tree/sqlite3'|" "$scratch/command" \
		>"$scratch/command.built"
	mv "$scratch/command.built" "$scratch/command"
	built_names='sqlite3VdbeExec'
}

build_redis() {
	source_get redis && build 'make -s -j2 MALLOC=libc \
		OPTIMIZATION=-O2 DEBUG=-g' || return 1
	real_redis
	sed "s|'redis-server'|'$tree/src/redis-server'|" "$scratch/command" \
		>"$scratch/command.built"
	mv "$scratch/command.built" "$scratch/command"
	built_names='readQueryFromClient|processCommand|aeProcessEvents'
}

is_built() { # PROGRAM
	command -v apt-get >/dev/null && command -v dpkg-source >/dev/null &&
		"build_$1"
}

[ -z "$built" ] || source_lists || diag "no source lists to be had"
for program in $built; do
	if ! is_built "$program"; then
		diag_file "$scratch/apt.log" 3
		diag_file "$scratch/build.log" 3
		for what in named lines rooted; do
			skip "$program with -g: $what" "could not be built"
		done
		continue
	fi
	real_launch
	check "$program with -g: static functions are named" within \
		"$(folded_match "$real_profile" \
			"(^|;)($built_names)[; (]")" \
		50 100 || diag "$(folded_leaves "$real_profile")"
	check "$program with -g: hardly an offset instead of a name" within \
		"$(folded_match "$real_profile" "${program}[^;]*[+]0x")" 0 2
	check "$program with -g: stacks reach their root" within \
		"$(summary_rooted "$scratch/real.err")" "$REAL_ROOTED" 100
	diag "$(folded_leaves "$real_profile" 5)"
done
finish
