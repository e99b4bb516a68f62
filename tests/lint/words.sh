#!/bin/sh
# SPDX-License-Identifier: MIT
# words.sh - nothing of one machine, and no host to fetch from (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"

# Letters in brackets keep this file from matching itself.
homes='(^|[^A-Za-z0-9%}$_.-])/([w]ork|[h]ome|[f]arm|[r]oot)/'
hosts='([p]ypi|[c]rates|[n]pmjs|[r]ubygems|[p]roxy\.golang)\.(org|io)'
conflict='^(<<<<<<<|>>>>>>>) '

tree_files() {
	find . -name .git -prune -o -name 'build*' -prune -o \
		-name autom4te.cache -prune -o -type f \
		! -name configure ! -name 'configure~' ! -name Makefile.in \
		! -name aclocal.m4 ! -path './tests/lint/words.sh' -print
}

found() { # PATTERN
	# -I leaves out binary seeds
	tree_files | xargs grep -nIE -e "$1"
}

# What programs under test leave where they run was committed once.
strangers() {
	git ls-files |
	grep -vE '^(\.ci|bench|completions|contrib|include|man|src|tests)/' |
	grep -vE '^(\.clang-format|\.gitignore|HACKING|LICENSE|NEWS|dev)$' |
	grep -vE '^(Makefile\.am|README\.md|configure\.ac|psample\.pc\.in)$'
}

plan 4
check_none "no path of somebody's machine is in the tree" found "$homes"
check_none "no host of a package registry is in the tree" found "$hosts"
check_none "no half-done merge is in the tree" found "$conflict"
if git rev-parse --git-dir >/dev/null 2>&1 && [ -e .gitignore ]; then
	check_none "nothing is committed that is not of the project" strangers
else
	skip "nothing is committed that is not of the project" \
		"this is no checkout"
fi
finish
