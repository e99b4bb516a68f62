#!/bin/sh
# SPDX-License-Identifier: MIT
# matrix.sh - measures every kind of program that can be built here, with perf
# and libunwind beside, and writes tests/MATRIX.md from it.
#
#	./dev campaign matrix [PATTERN...]	'c/*' 'go/*' 'real/*' c/static
#
# A pattern selects by GROUP/KIND. Rows are kept in tests/matrix-rows of the
# build folder, so that the page can be measured in parts: half an hour in all.
# With MATRIX_BUDGET=60 a call stops after about a minute, says how many rows
# are left, and the next one goes on with those. MATRIX_ROOT=DIR is a newer
# distribution, as debootstrap makes it, for what this one does not have.
: "${MATRIX_SECONDS:=2}" "${MATRIX_HZ:=997}" "${MATRIX_PEERS:=yes}"
: "${MATRIX_PAGE:=}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
[ $# = 0 ] || MATRIX_ONLY=$*
rows=$top_builddir/tests/matrix-rows
mkdir -p "$rows"
rows=$(cd "$rows" && pwd)
. "$top_srcdir/tests/matrix/matrix.sh"
. "$top_srcdir/tests/matrix/kinds_c.sh"
. "$top_srcdir/tests/matrix/kinds_lang.sh"
. "$top_srcdir/tests/matrix/kinds_real.sh"
. "$top_srcdir/tests/matrix/kinds_more.sh"
plan 1
requires_ptrace
kinds_c
kinds_lang
kinds_real
kinds_more

# --- the page ---------------------------------------------------------

version_of() { # COMMAND...: its first line, or nothing
	"$@" 2>&1 </dev/null | head -n 1
}

# An empty line of numbers becomes a line of a table.
table() { # GROUP
	cat "$rows/$1".*.row 2>/dev/null | awk -F '\t' -v OFS=' | ' '{
		$1 = "| " $2
		for (i = 2; i < NF; i++)
			$i = $(i + 1)
		NF--
		print $0 " |"
	}'
}

heading() { # COLUMN...
	printf '|'
	printf ' %s |' "$@"
	printf '\n|---|'
	shift
	for column; do
		[ "$column" = note ] && printf -- '---|' || printf -- '---:|'
	done
	printf '\n'
}

plan_table() { # GROUP TITLE
	printf '\n## %s\n\n' "$2"
	heading kind samples root wall names 'f = 60' lines inlines \
		'perf root' 'libunwind root' note
	table "$1"
}

skipped() {
	cat "$rows"/*.skip 2>/dev/null | awk -F '\t' '{
		print "- " $2 ": " $3 }'
}

weakest() {
	awk -F '\t' '
	function tell(what, value) {
		if (value !~ /^[-(]/ && value < 95)
			print "- " $2 ": " what " " value " %" why()
	}
	function why() {
		return $NF == "" ? "" : " (" $NF ")"
	}
	{ tell("root", $4); tell("root in wall mode", $5) }
	FILENAME !~ /(real|more)[.0-9]*row$/ {
		tell("names", $6)
		tell("lines", $8)
		tell("inlines", $9)
	}
	FILENAME ~ /(real|more)[.0-9]*row$/ && $7 > 5 {
		print "- " $2 ": names missed " $7 " %" why()
	}' "$rows"/*.row
}

page() {
	cat <<-'TXT'
	# Which programs psample understands, in numbers

	Made by `./dev campaign matrix`; not to be edited. Each target of the
	first tables follows one plan (`tests/matrix/plan.h`): main calls run,
	run spends 60 % of its time in f and 40 % in g, whose work is inlined
	into them; a second thread waits in read.

	- *samples*: of the run in cpu mode
	- *root*: % of the time whose stacks go to main with the right callers
	  (run calls f) and carry no mark of a walk cut short; cpu mode
	- *wall*: the same in wall mode, with the waiting thread in it
	- *names*: % of the time that is in f and g by name, at the leaf; of
	  code made at run time also in functions of the runtime, by name
	- *f = 60*: share of f in both; 60 is the truth
	- *lines*: % of that time with the right line, both of the innermost
	  function and of the call in run
	- *inlines*: % of that time where the inlined function stands in f or g
	- *perf root*: `perf record --call-graph dwarf` on the same target, % of
	  stacks that reach a root; *libunwind root*: `--unwind libunwind`
	- *(in parentheses)*: of what the kind does not have (no symbols, no
	  debug information, no thread that waits), so that it is found there
	- `-`: not measured, since the peer does not do it
	TXT
	printf '\n%s Hz, %s s each; Linux %s' "$MATRIX_HZ" \
		"$MATRIX_SECONDS" "$(uname -r | sed 's/-.*//')"
	for tool in 'gcc --version' 'clang --version' 'go version' \
		'rustc --version' 'perf --version'; do
		# shellcheck disable=SC2086 # a command line
		command -v "${tool%% *}" >/dev/null &&
			printf '; %s' "$(version_of $tool)"
	done
	printf '\n\nRows by build:\n\n'
	cat "$rows"/*.by | cut -d ' ' -f 2- | sort | uniq -c |
		sed 's/^ *\([0-9]*\) \(.*\)/- \1: \2/'
	plan_table c 'C, C++, assembly, musl'
	plan_table go Go
	plan_table rust Rust
	plan_table d D
	plan_table jit 'Code made at run time'
	printf '\n## Programs that people run\n\n'
	cat <<-'TXT'
	Their truth is not known. *named*: % of the time whose leaf has the name
	of a function; *missed*: % of the time without a name although a file on
	this machine has one (a table of symbols, in the program or in a debug
	file; code made at run time counts, too), the rest of what is not named
	being functions that no file here names: the programs are stripped;
	*lines*: has a line; *known*: under a frame that is known to be there.

	TXT
	heading program samples root wall named missed lines known 'perf root' \
		'libunwind root' note
	table real
	printf '\n## Small programs of many languages\n\n'
	cat <<-'TXT'
	As above; what they are run by is mostly stripped, and names of code
	made at run time are listed by few.

	TXT
	heading program samples root wall named missed lines known 'perf root' \
		'libunwind root' note
	table more
	printf '\n## Below 95 %%\n\n'
	weakest
	printf '\n## Not measured\n\n'
	skipped
}

[ "$kinds_left" = 0 ] || diag "$kinds_left kinds are left for the next call"
page | expand -t 8 >"$work/MATRIX.md"
check "there are rows, and the page is written" \
	cp "$work/MATRIX.md" "${MATRIX_PAGE:-$top_srcdir/tests/MATRIX.md}"
finish
