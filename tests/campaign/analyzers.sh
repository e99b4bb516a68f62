#!/bin/sh
# SPDX-License-Identifier: MIT
# analyzers.sh - what gcc -fanalyzer, clang-tidy and cppcheck say of src/.
# About 15 minutes.
#
#	analyzers.sh [gcc|tidy|cppcheck [FILE...]]
#
# What they are not to say, and why, stands here; all else is a failure.
set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-build}" && pwd)
cd "$top_srcdir" || exit 1
tool=${1:-all}
[ $# = 0 ] || shift
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046 # names without blanks
	set -- $(find src -name '*.c' | sort)
}
# With what configure has found; the quotes are for eval.
flags="-std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude $(sed -n \
	's/^DEFS = //p' "$build/Makefile")"
flags="$flags -DPSAMPLE_BINDIR='\"/usr/bin\"'"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
n_bad=0

# tool FILE: what is said there and not excused is counted and shown
judge() { # NAME EXCUSES-REGEX
	grep -E ': (warning|error|style|performance|portability):' "$out" |
		sort -u | grep -vE "$2" >"$out.bad"
	n=$(wc -l <"$out.bad")
	echo "$1: $n findings"
	cat "$out.bad"
	rm -f "$out.bad"
	n_bad=$((n_bad + n))
}

run_gcc() {
	: >"$out"
	for file; do
		# shellcheck disable=SC2086 # a list of words
		eval gcc $flags -O1 -fanalyzer -S -o /dev/null "$file" \
			2>>"$out"
	done
	# gcc 12 sees CLEANUP() run on a variable that it takes to be without
	# a value, where a function returns right behind its "= NULL".
	judge gcc 'src/util/mem.h:.*analyzer-use-of-uninitialized-value'
}

# strcmp() as a truth value is how C compares strings; casts of size_t that
# are as wide as they look; every_ns is not 0 where it is divided by.
tidy_excused='bugprone-suspicious-string-compare'
tidy_excused="$tidy_excused|bugprone-misplaced-widening-cast"
tidy_excused="$tidy_excused|cli/monitor.c:.*core.DivideZero"
# A command is there when it is looked for; what is mapped here is only to try
# whether that is permitted; there are not 255 functions; signs are meant.
tidy_excused="$tidy_excused|cli/view.c:.*core.NonNullParamChecker"
tidy_excused="$tidy_excused|cli/run.c:.*core.NonNullParamChecker"
tidy_excused="$tidy_excused|heap/inject.c:.*unused-return-value"
tidy_excused="$tidy_excused|heap/slots.c:.*too-small-loop-variable"
tidy_excused="$tidy_excused|image/decode.c:.*signed-char-misuse"
# A group of tags has one tag at least; nothing is matched without a pattern.
tidy_excused="$tidy_excused|report/dot_tags.c:.*core.NullDereference"
tidy_excused="$tidy_excused|report/filter.c:.*core.NullDereference"
# Room for pointers is meant; where nothing could be read there is an error.
tidy_excused="$tidy_excused|report/source.c:.*bugprone-sizeof-expression"
tidy_excused="$tidy_excused|report/source.c:.*core.NullDereference"
# Lists of pointers are meant; a function has a name, and a text in which "!"
# stood is not empty; CLEANUP() reads what it frees.
list_of_pointers='(report/weblist|serve/serve|serve/shape).c'
tidy_excused="$tidy_excused|$list_of_pointers:.*bugprone-sizeof-expression"
tidy_excused="$tidy_excused|report/write_dot.c:.*core.NullDereference"
tidy_excused="$tidy_excused|symbol/demangle.c:.*core.NullDereference"
tidy_excused="$tidy_excused|symbol/split.c:.*deadcode.DeadStores"

run_tidy() {
	checks='-*,bugprone-*,clang-analyzer-*,cert-err34-c,misc-*'
	# By taste: short names next to each other, numbers that stand for
	# themselves, what gnu11 offers, assignments in conditions.
	for check in bugprone-easily-swappable-parameters \
		bugprone-assignment-in-if-condition \
		bugprone-reserved-identifier bugprone-narrowing-conversions \
		bugprone-implicit-widening-of-multiplication-result \
		bugprone-suspicious-include bugprone-branch-clone \
		bugprone-not-null-terminated-result \
		bugprone-macro-parentheses misc-no-recursion \
		misc-unused-parameters cert-err34-c
	do
		checks=$checks,-$check
	done
	# It wants memcpy_s() and its like, which glibc does not have.
	checks="$checks,-clang-analyzer-security.insecureAPI.*"
	: >"$out"
	for file; do
		# shellcheck disable=SC2086
		eval clang-tidy -quiet -checks="$checks" "$file" -- $flags \
			>>"$out" 2>/dev/null
	done
	judge clang-tidy "$tidy_excused"
}
# The linker's names for both ends of the agent and the stub; registers of an
# asm; -0x1p63 read as a number above 0x1p63; what TAKE() hands over; a group of
# tags has one tag at least, a list of hot threads one that has run.
cppcheck_excused='heap/(inject|stub|agent_place).c:.*comparePointers'
cppcheck_excused="$cppcheck_excused|client/keeper.c:.*constStatement"
cppcheck_excused="$cppcheck_excused|report/wrap.h:.*incorrectLogicOperator"
# And a pointer that is kept before what it points at is filled.
cppcheck_excused="$cppcheck_excused|report/picture.c:.*ctuuninitvar"
cppcheck_excused="$cppcheck_excused|report/report.c:.*returnDanglingLifetime"
cppcheck_excused="$cppcheck_excused|report/dot_tags.c:.*nullPointer"
cppcheck_excused="$cppcheck_excused|sampler/follow.c:.*zerodiv"
# A thread of the roster is never NULL; a caller may be.
cppcheck_excused="$cppcheck_excused|sampler/events.c:.*nullPointerRedundant"

run_cppcheck() {
	cppcheck --quiet --std=c11 --enable=warning,portability,performance \
		--inline-suppr -Isrc -Iinclude -D__x86_64__ -D_GNU_SOURCE \
		--template='{file}:{line}: {severity}: {message} [{id}]' \
		--suppress=missingInclude --suppress=unknownMacro "$@" \
		2>"$out"
	judge cppcheck "$cppcheck_excused"
}

for each in gcc tidy cppcheck; do
	[ "$tool" = all ] || [ "$tool" = $each ] || continue
	program=$each
	[ $each != tidy ] || program=clang-tidy
	if ! command -v $program >/dev/null; then
		echo "$program is not installed"
		continue
	fi
	run_$each "$@"
done
[ $n_bad = 0 ]
