#!/bin/sh
# SPDX-License-Identifier: MIT
# man.sh - the manual: its form, and whether it knows every option (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"
psample=${PSAMPLE:-${top_builddir:-build}/psample}

# "  -F, --freq HZ   ..." of --help: every option word in it
help_options() {
	"$psample" "$@" --help 2>&1 | grep -oE \
		'(^|[ ,[/])--?[A-Za-z][A-Za-z-]*' | tr -d ' ,[/' | sort -u
}

# ".It Fl F Ns , Fl Fl freq Ar HZ" and the like: every option word in it
man_options() { # FILE
	sed -n '/^\.It Fl/p' "$1" | awk '{
		for (i = 2; i <= NF; i++) {
			if ($i != "Fl")
				continue
			if ($(i + 1) == "Fl") {
				i++
				print "--" $(i + 1)
			} else if ($(i + 1) ~ /^-/) {
				print "-" $(i + 1)
			} else {
				print "-" $(i + 1)
			}
		}
	}' | tr -d ',' | sort -u
}

differences() { # MAN-PAGE COMMAND...
	page=$1
	shift
	help_options "$@" >"$scratch/help"
	man_options "$page" >"$scratch/man"
	comm -23 "$scratch/help" "$scratch/man" |
		sed "s|\$| is in --help, not in $page|"
	comm -13 "$scratch/help" "$scratch/man" |
		sed "s|\$| is in $page, not in --help|"
}

# The version is "$Version" of configure.ac, nowhere else.
lint_faults() {
	mandoc -T lint -W style man/*.1 man/psample.3 2>&1 |
		grep -v -e "referenced manual not found" -e "outdated mandoc.db"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
plan 4
if command -v mandoc >/dev/null; then
	check_none "mandoc finds nothing in the manual" lint_faults
else
	skip "mandoc finds nothing in the manual" "needs mandoc"
fi
if [ -x "$psample" ]; then
	check_none "the manual and --help of record have the same options" \
		differences man/psample-record.1 record
	check_none "the manual and --help of report have the same options" \
		differences man/psample-report.1 report
	check_none "the manual and --help of serve have the same options" \
		differences man/psample-serve.1 serve
else
	skip "the manual of record has its options" "not built yet"
	skip "the manual of report has its options" "not built yet"
	skip "the manual of serve has its options" "not built yet"
fi
finish
