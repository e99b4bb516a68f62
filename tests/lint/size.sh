#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh - no tail: functions, files, headers, nesting, parameters (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"

MAX_FUNCTION=60
MAX_FILE=600
MAX_HEADER=150
MAX_NESTING=3
MAX_PARAMETERS=6
# Functions whose parameters a library has chosen: libdwfl's find_debuginfo,
# libmicrohttpd's handler of requests.
GIVEN_SIGNATURES='(find_debuginfo|on_request)'

code=$(c_files src tests bench include)

longer_than() { # LINES FILE...
	max=$1
	shift
	awk -v max="$max" '
	function tell() {
		if (n > max)
			print name ": " n " lines, " max " are allowed"
	}
	FNR == 1 { tell(); name = FILENAME }
	{ n = FNR }
	END { tell() }' "$@"
}

# Functions start and end with a brace in the first column.
long_functions() {
	# shellcheck disable=SC2086 # a list of files without blanks
	awk -v max="$MAX_FUNCTION" '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR; name = last }
	/^\}/ && start {
		if (FNR - start > max)
			print FILENAME ":" start ": " FNR - start " lines: " \
				name
		start = 0
	}
	/^[a-zA-Z]/ { last = $0 }' $code
}

# Braces within a function: the body, then MAX_NESTING more.
deep_nesting() {
	# shellcheck disable=SC2086
	without_comments $code | sed 's/"\([^"\\]\|\\.\)*"//g' |
	awk -v max="$MAX_NESTING" '
	{
		text = $0
		file = text; sub(/:.*/, "", file)
		sub(/^[^:]*:/, "", text)
		number = text + 0
		sub(/^[^:]*:/, "", text)
		if (text ~ /^\{/) { inside = 1; depth = 0; told = 0 }
		if (!inside)
			next
		opened = gsub(/\{/, "{", text)
		depth += opened - gsub(/\}/, "}", text)
		if (depth > max + 1 && !told) {
			print file ":" number ": nesting deeper than " max
			told = 1
		}
		if (text ~ /^\}/)
			inside = 0
	}'
}

many_parameters() {
	# shellcheck disable=SC2086
	without_comments $code |
	awk -v max="$MAX_PARAMETERS" -v given="$GIVEN_SIGNATURES" '
	# The text of the outermost last parentheses of a definition.
	function count(text,	i, c, depth, n, commas) {
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			if (c == "(" && ++depth == 1)
				commas = 0
			else if (c == ")")
				depth--
			else if (c == "," && depth == 1)
				commas++
		}
		return commas + 1
	}
	{
		text = $0
		where = text
		sub(/:[^:]*$/, "", where)
		sub(/^[^:]*:[^:]*:/, "", text)
		if (text ~ /^[a-zA-Z]/)
			head = ""
		if (text ~ /^\{/) {
			if (head ~ /\(/ && count(head) > max &&
			    head !~ "[ *](" given ")\\(")
				print at ": " count(head) " parameters"
			head = ""
		} else {
			if (head == "") {
				at = $0
				sub(/:[ \t]*$/, "", at)
			}
			head = text ~ /[;}]$/ ? "" : head text
		}
	}'
}

plan 7
# shellcheck disable=SC2046
check_none "headers have at most $MAX_HEADER lines" longer_than \
	$MAX_HEADER $(c_files src include | grep '\.h$')
# shellcheck disable=SC2086
check_none "C files have at most $MAX_FILE lines" longer_than \
	$MAX_FILE $code
check_none "functions have at most $MAX_FUNCTION lines" long_functions
check_none "blocks nest at most $MAX_NESTING deep" deep_nesting
check_none "functions have at most $MAX_PARAMETERS parameters" many_parameters
check_none "configure.ac has at most 120 lines" longer_than 120 configure.ac
check_none "Makefile.am has at most 250 lines" longer_than 250 Makefile.am
finish
