#!/bin/sh
# SPDX-License-Identifier: MIT
# release.sh - the release tree, read-only and built elsewhere (TAP).
#
# A short form of make distcheck: what is missing in the lists of Makefile.am
# shows here. Run by ./dev check; top_srcdir and top_builddir are set.
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"
build=${top_builddir:-build}
work=$build/release
tree=$work/tree

# What was made read-only must be made writable before it can be removed.
remove_work() {
	[ ! -d "$work" ] || chmod -R u+w "$work"
	rm -rf "$work"
}

check_step() { # NAME COMMAND...
	name=$1
	shift
	"$@" >"$build/release.log" 2>&1
	check_status "$name" $? "$build/release.log"
}

make_tree() {
	make -C "$build" --no-print-directory distdir distdir="$1" &&
		mkdir -p "$work" && mv "$build/$1" "$tree" &&
		chmod -R a-w "$tree"
}

in_obj() {
	(cd "$work/obj" && "$@")
}

unit_tests_pass() {
	in_obj make -j2 check TESTS= || return 1
	in_obj make -j2 check-unit && return
	grep -h -B 5 '^not ok' "$work"/obj/tests/unit/*.log
	grep '^ERROR' "$work"/obj/tests/unit/*.log
	return 1
}

installs_what_is_promised() {
	in_obj make install DESTDIR="$work/inst" || return 1
	for file in bin/psample share/man/man1/psample.1 \
		share/man/man1/psample-record.1 share/man/man3/psample.3 \
		include/psample.h lib/libpsample.so.0 lib/libpsample.a \
		lib/pkgconfig/psample.pc; do
		[ -s "$work/inst/usr/$file" ] && continue
		echo "not installed: $file"
		return 1
	done
}

uninstalls_all() {
	in_obj make uninstall DESTDIR="$work/inst" || return 1
	left=$(find "$work/inst" ! -type d)
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

plan 6
remove_work
check_step "the release tree is complete" make_tree release-tree
mkdir -p "$work/obj"
check_step "it configures out of tree, without a writable source" \
	in_obj ../tree/configure --prefix=/usr --enable-werror
check_step "it builds without warnings" in_obj make -j2
check_step "its unit tests pass" unit_tests_pass
check_step "it installs the program and its manual" installs_what_is_promised
check_step "it uninstalls all that it installed" uninstalls_all
remove_work
finish
