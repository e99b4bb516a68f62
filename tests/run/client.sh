#!/bin/sh
# SPDX-License-Identifier: MIT
# client.sh - libpsample: a program that profiles itself.
#
# CYCLES=1000 is its long form (tests/campaign/client.sh). Breaks if the
# library leaves anything behind in the program, if a child of its own is
# heard of, or if a failure of psample is one of the program.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 37
requires_ptrace
alone
cycles=${CYCLES:-10}
library=$(cd "$top_builddir" && pwd)
profile=$scratch/profile

# With the library of this build, which is not installed.
with_library() { # COMMAND...
	LD_LIBRARY_PATH=$library timeout -s KILL "${limit:-60}" "$@" 9>&-
}

run_case() { # CASE FILE: its status; what it says is in $scratch/case
	with_library "$programs/client_cases" "$@" >"$scratch/case" 2>&1
}

case_holds() { # CASE [FILE]
	rm -f "$profile"
	run_case "$1" "${2:-$profile}" || {
		diag_file "$scratch/case"
		return 1
	}
}

# One that it could not see would not be read by anybody.
shows_f() { # FILE
	"$PSAMPLE" folded "$1" >"$scratch/folded" 2>"$scratch/report" &&
		within "$(folded_share "$scratch/folded" f any)" 60 100
}

says() { # TEXT
	has_text "$scratch/case" "$1"
}

# --- one at a time ----------------------------------------------------

check "a program starts and stops a profile of itself" case_holds start_stop
check "in which its work is seen" shows_f "$profile"
check "a profile goes into a descriptor" case_holds into_descriptor
check "and is whole there" shows_f "$profile"
check "a flush writes it, and the end writes it again" case_holds flush
check "a second start and a second stop are errors" case_holds twice
check "options are checked" case_holds bad_options
check "a forked child is idle, and can have its own" case_holds after_fork
check "which is a profile of the child" shows_f "$profile.child"
check "exit() ends and writes it" case_holds end_at_exit
check "before the program is gone" shows_f "$profile"
run_case crash "$profile"
check "a program that dies at once leaves its profile" \
	wait_until 20 shows_f "$profile"
check "the thread that started it may be gone" case_holds thread_gone
check "the library can be unloaded with it" \
	with_library "$programs/client_unload" "$profile"

# --- labels -----------------------------------------------------------

tagged() { # KEY: its values as roots
	"$PSAMPLE" folded -tagroot="$1" "$profile" >"$scratch/folded" \
		2>"$scratch/report"
}

check "threads label themselves, within bounds" case_holds labels
tagged kind
check "labels are on the samples of their threads" within \
	"$(folded_match "$scratch/folded" '^(parse;.*f(;|$)|draw;.*g(;|$))')" \
	40 60
tagged a
check "the last value counts, until it is taken away" within \
	"$(folded_match "$scratch/folded" '^3;.*f(;|$)')" 17 33

# --- stacks -----------------------------------------------------------

check "the stacks of all threads are written" case_holds stacks
check_equal "of each once" "$(grep -c '^thread' "$profile")" 3
in_thread() { # WORD PATTERN: the thread with WORD in its head line shows it
	awk -v word="$1" -v re="$2" '/^thread/ { is_it = index($0, word) }
		is_it && $1 ~ re { found = 1 }
		END { exit !found }' "$profile"
}
check "those that work with where they do" in_thread thread '^f$'
check "those that wait with what for" in_thread waiting '^wait_for_end$'

check "they can be had while the program is being sampled" \
	case_holds stacks_beside
check "of all threads" grep -q '^thread' "$profile.stacks"
check "and the profile goes on" shows_f "$profile"

# --- failures ---------------------------------------------------------

PSAMPLE=$scratch/none run_case fails "$profile"
check_equal "a psample that is not there is an error" $? 0
check "with its name" says "2 $scratch/none: No such file or directory"
run_case fails "$scratch/no/where"
check_equal "so is a file that cannot be written" $? 0
check "in psample's words" says "cannot write $scratch/no/where"
cat >"$scratch/hang" <<-'SH'
	#!/bin/sh
	exec sleep 100
SH
chmod +x "$scratch/hang"
check "a psample that hangs is ended after the time that was set" \
	case_holds hangs "$scratch/hang"

mkfifo "$scratch/go"
with_library "$programs/client_cases" killed "$profile" \
	<"$scratch/go" >"$scratch/out" 2>&1 &
program=$!
exec 8>"$scratch/go"
wait_until 20 has_text "$scratch/out" started
tracer=$(for status in /proc/[0-9]*/status; do
	[ -r "$status" ] || continue
	awk -v name=client_cases '$1 == "Name:" { n = $2 }
		$1 == "TracerPid:" && n == name && $2 { print $2 }' \
		"$status" 2>/dev/null
done | tail -n 1)
# TracerPid is that of a thread.
kill -KILL "${tracer:-none}"
exec 8>&-
wait $program
check_equal "a psample that is killed is an error, not an end" $? 0

# --- from C++, and what is exported -----------------------------------

if command -v c++ >/dev/null; then
	printf '#include <psample.h>\nint main() { return %s; }\n' \
		'psample_stop(nullptr) == 0' >"$scratch/main.cc"
	check "the header is one of C++, too" c++ -Wall -Wextra -Werror \
		-pedantic -fsyntax-only -I"$top_srcdir/include" \
		"$scratch/main.cc"
else
	skip "the header is one of C++, too" "needs c++"
fi
# shellcheck disable=SC2046 # a list
check_equal "nothing but psample_ is exported" "$(nm -D --defined-only \
	"$library/libpsample.so" | awk '$2 != "A" { print $3 }' |
	grep -v '^psample_[a-z_]*@@PSAMPLE_0.1$')" ""

# --- the storm --------------------------------------------------------

mkdir "$scratch/storm"
limit=$((60 + cycles * 5))
with_library "$programs/client_storm" "$cycles" "$scratch/storm/p" \
	"$programs/dlopen_plugin_a.so" >"$scratch/out" 2>"$scratch/err"
check_equal "a program of 8 threads that forks, loads, signals lives" $? 0
check_equal "$cycles cycles from all threads work" \
	"$(grep -e '^cycles' -e '^errors' "$scratch/out")" \
	"$(printf 'cycles %s\nerrors 0' "$cycles")"
left=$(grep -e '^left' -e '^strange' "$scratch/out" | grep -v ' 0$')
check_equal "nothing is left behind, and no child was heard of" "$left" ""

profiles_are_valid() {
	"$PSAMPLE" raw "$scratch"/storm/p.* 2>&1 >/dev/null | grep . && return 1
	[ -n "$(command -v go)" ] || return 0
	! go tool pprof -raw "$scratch"/storm/p.* 2>&1 >/dev/null |
		grep -v 'Main binary filename not available'
}

# What was too short for any sample has no mapping, and pprof tells so.
check "every profile is valid" profiles_are_valid
"$PSAMPLE" folded "$scratch"/storm/p.* >"$scratch/folded" 2>"$scratch/report"
share=$(awk '/;f(;|[ ])/ { f += $NF } /;g(;|[ ])/ { g += $NF }
	END { printf "%.2f", 100 * f / (f + g) }' "$scratch/folded")
check "f and g have their shares of 3 : 1" within "$share" 62 86
diag "f:g $share; $(tr '\n' ' ' <"$scratch/out")"
finish
