#!/bin/sh
# SPDX-License-Identifier: MIT
# state.sh - mutable variables that outlive a function, read from the
# objects that were built (TAP).
set -u
. "${top_srcdir:-.}/tests/lint/lib.sh"
build=${top_builddir:-build}

# cli/ and the log have state, and client/ the run that it has started; so have
# flags that signal handlers set, which are volatile sig_atomic_t and named so.
mutable_variables() {
	for object in $(find "$build/src" -name '*.o' \
		! -path '*/cli/*' ! -path '*/client/*' ! -name log.o |
		sort); do
		objdump -t "$object" |
			awk -v file="${object#"$build"/}" '
			$NF !~ /^\./ && / O \.(bss|data|tbss|tdata)[ \t]/ &&
			$NF !~ /_flag$/ {
				print file ": " $NF
			}'
	done
}

plan 1
if [ ! -e "$build/libps-util.a" ]; then
	skip "nothing outside cli keeps state in variables" "not built yet"
elif ! command -v objdump >/dev/null; then
	skip "nothing outside cli keeps state in variables" "needs objdump"
else
	check_none "nothing outside cli keeps state in variables" \
		mutable_variables
fi
finish
