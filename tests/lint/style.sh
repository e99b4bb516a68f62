#!/bin/sh
# SPDX-License-Identifier: MIT
# style.sh - what every file of the tree has in common (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"

code=$(c_files src tests bench include)
scripts=$(find dev .ci bench tests -type f \
	\( -name '*.sh' -o -name dev -o -path '.ci/*' \) | sort)
build_files="configure.ac Makefile.am tests/tests.am"

wide_lines() {
	# shellcheck disable=SC2086 # lists of files without blanks
	for file in $code $scripts $build_files; do
		expand -t 8 "$file" | awk -v file="$file" 'length($0) > 80 {
			print file ":" NR ": " length($0) " columns"
		}'
	done
}

trailing_blanks() {
	# shellcheck disable=SC2086
	grep -n '[	 ]$' $code $scripts $build_files |
		sed 's/:\([0-9]*\):.*/:\1/'
}

# A continuation may be aligned by blanks after tabs, never by blanks alone.
blank_indentation() {
	# shellcheck disable=SC2086
	grep -n '^        ' $code | grep -v ': *\\$' |
		sed 's/:\([0-9]*\):.*/:\1: blanks for a tab/'
}

no_licence() {
	for file in $code; do
		[ "$(head -n 1 "$file")" = \
			"/* SPDX-License-Identifier: MIT */" ] || echo "$file"
	done
	for file in $scripts $build_files; do
		head -n 2 "$file" |
			grep -q '^# SPDX-License-Identifier: MIT$' ||
			echo "$file"
	done
}

# "/* row.c - one sentence" in the second or third line
no_sentence() {
	for file in $code; do
		sed -n 2,3p "$file" | grep -q "^\(/\*\| \*\) ${file##*/} - ." ||
			echo "$file"
	done
	for file in $scripts; do
		sed -n 1,3p "$file" | grep -q "^# ${file##*/} - ." ||
			[ "$file" = .ci/run ] || sed -n 3,4p "$file" |
			grep -q "^# ${file##*/} - ." || echo "$file"
	done
}

no_guard() {
	for file in $(c_files src include | grep '\.h$'); do
		name=${file#src/}
		name=$(echo "${name#include/}" | tr 'a-z/.-' 'A-Z___')
		grep -q "^#ifndef $name\$" "$file" ||
			echo "$file: no guard $name"
	done
}

# Comments are /* */; lines that are nothing but // are code put aside.
slash_comments() {
	# shellcheck disable=SC2086
	grep -n '^[	 ]*//' $code
}

gotos() {
	# shellcheck disable=SC2086
	without_comments $code | grep '\<goto\>' | grep -v 'goto out;'
}

# Everything that is built or shipped stands in Makefile.am, or below a
# folder that does.
unlisted_files() {
	listed=$(cat Makefile.am tests/tests.am src/*/sources.am |
		tr -s '\\ \t' '\n' | sort -u)
	# shellcheck disable=SC2086
	for file in $code $(find tests/run tests/programs -name '*.sh'); do
		path=$file
		while [ "$path" != . ]; do
			case $path in
			tests/programs/*.c | tests/unit/test_*.c)
				stem=${path%.c} ;;
			*)	stem=$path ;;
			esac
			echo "$listed" | grep -qxF -e "$path" -e "$stem" &&
				continue 2
			path=$(dirname "$path")
		done
		echo "$file is not in Makefile.am"
	done
}

shell_faults() {
	# shellcheck disable=SC2086
	printf '%s\n' $scripts | xargs -n 8 -P "$(getconf _NPROCESSORS_ONLN)" \
		shellcheck -x -s sh -e SC1091,SC2016,SC2034,SC2154,SC2317
}

plan 10
check_none "no line is wider than 80 columns" wide_lines
check_none "no line ends in blanks" trailing_blanks
check_none "indentation is by tabs" blank_indentation
check_none "every file names its licence first" no_licence
check_none "every file says in a sentence what it is" no_sentence
check_none "every header has the guard of its path" no_guard
check_none "no code is commented out" slash_comments
check_none "goto goes to out only" gotos
check_none "every file is in Makefile.am" unlisted_files
if command -v shellcheck >/dev/null; then
	check_none "shellcheck finds nothing in the scripts" shell_faults
else
	skip "shellcheck finds nothing in the scripts" "needs shellcheck"
fi
finish
