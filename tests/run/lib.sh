# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - helpers for end-to-end tests: TAP, targets, folded stacks.
#
#	. "${top_srcdir:-.}/tests/run/lib.sh"
#	plan 2
#	requires_ptrace
#	start_target "$programs/truth" one 10
#	"$PSAMPLE" -q -d 2 -f folded -o "$scratch/out" -p "$target_pid"
#	check "an attach ends with status 0" [ $? = 0 ]
#	share=$(folded_share "$scratch/out" f)
#	check "f has its share" within "$share" 57 63
#	finish
#
# $PSAMPLE is the program, $programs where the targets are, $scratch a
# directory that goes away. A target is killed by its pid at the end. Tests
# hold a lock that they share; "alone" takes it for one test, so that what
# measures time is not disturbed by its neighbours in make -j check.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
: "${PSAMPLE:=$top_builddir/psample}"
case $PSAMPLE in
*/*) PSAMPLE=$(cd "$(dirname "$PSAMPLE")" && pwd)/${PSAMPLE##*/} ;;
esac
top_srcdir=$(cd "$top_srcdir" && pwd)
programs=$(cd "$top_builddir" && pwd)/tests/programs
# Go's own packages are compiled once for all tests: GOCACHE="$go_cache". That
# is the user's, which may have them since another day; or one of the build's.
go_cache=${GOCACHE:-${XDG_CACHE_HOME:-${HOME-}/.cache}/go-build}
[ -w "$go_cache" ] || go_cache=${programs%/programs}/.gocache
# flamegraph.pl is where Debian puts it
PATH=$PATH:/usr/sbin:/sbin:/usr/share/perl5/Devel/NYTProf
LC_ALL=C
export PSAMPLE PATH LC_ALL

test_number=0
test_planned=0
test_failed=0
target_pids=
target_pid=
scratch=$(mktemp -d)
cleanup_commands=

# --- TAP --------------------------------------------------------------

plan() { # N
	test_planned=$1
	echo "1..$1"
}

ok() { # NAME
	test_number=$((test_number + 1))
	echo "ok $test_number - $1"
}

not_ok() { # NAME [REASON]
	test_number=$((test_number + 1))
	test_failed=1
	[ $# -lt 2 ] || diag "$2"
	echo "not ok $test_number - $1"
}

skip() { # NAME REASON
	test_number=$((test_number + 1))
	echo "ok $test_number - $1 # SKIP $2"
}

# Skip what is left of the plan (all of it, when there was none yet).
skip_all() { # REASON
	if [ "$test_planned" = 0 ]; then
		echo "1..0 # SKIP $1"
		exit 0
	fi
	while [ "$test_number" -lt "$test_planned" ]; do
		skip "test $((test_number + 1))" "$1"
	done
	exit "$test_failed"
}

diag() { # TEXT...
	echo "$*" | sed 's/^/# /'
}

diag_file() { # FILE: its end, for those who read the log of a failure
	[ ! -e "$1" ] || tail -n "${2:-20}" "$1" | sed 's/^/# /'
}

# check NAME COMMAND...: ok if the command succeeds
check() {
	check_name=$1
	shift
	if check_output=$("$@" 2>&1); then
		ok "$check_name"
	else
		not_ok "$check_name" "failed: $*"
		[ -z "$check_output" ] || diag "$check_output"
		return 1
	fi
}

check_equal() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got \"$2\", wanted \"$3\""
		return 1
	fi
}

# Numbers, also with a fraction: is LOW <= VALUE <= HIGH?
within() { # VALUE LOW HIGH
	awk -v v="$1" -v low="$2" -v high="$3" 'BEGIN {
		ok = v != "" && v + 0 >= low + 0 && v + 0 <= high + 0
		if (!ok) print v " is not within " low " .. " high
		exit !ok
	}'
}

finish() {
	if [ "$test_number" != "$test_planned" ]; then
		diag "planned $test_planned tests, ran $test_number"
		exit 1
	fi
	exit "$test_failed"
}

# --- what a test needs ------------------------------------------------

requires_program() { # PROGRAM...
	for program; do
		command -v "$program" >/dev/null ||
			skip_all "needs $program, which is not installed"
	done
}

# Sampling a program of our own must work here. Only what the kernel forbids
# is a reason to skip: a psample that is not there, or fails, is a failure.
requires_ptrace() {
	if "$PSAMPLE" -q -f folded -o /dev/null -- true \
		2>"$scratch/ptrace" </dev/null; then
		return
	fi
	diag_file "$scratch/ptrace"
	if grep -qE 'not permitted|denied|not implemented' \
		"$scratch/ptrace" && [ -x "$PSAMPLE" ]; then
		skip_all "ptrace is not permitted here"
	fi
	not_ok "$PSAMPLE profiles true"
	exit 1
}

requires_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# SCHED_FIFO is what makes a sampler due at its tick on a busy machine.
has_realtime() {
	command -v chrt >/dev/null && chrt -f 1 true 2>/dev/null
}

# --- the lock ---------------------------------------------------------

lock_file=$top_builddir/tests/.lock
if command -v flock >/dev/null && mkdir -p "${lock_file%/*}" 2>/dev/null &&
	(: >>"$lock_file") 2>/dev/null; then
	exec 9<"$lock_file"
	flock -s 9
else
	lock_file=
fi

alone() {
	[ -z "$lock_file" ] || { flock -u 9 && flock -w 900 -x 9; }
}

# --- targets ----------------------------------------------------------

# wait_until SECONDS COMMAND...: poll until it succeeds, at most so long
wait_until() {
	wait_left=$(($1 * 50))
	shift
	until "$@" >/dev/null 2>&1; do
		wait_left=$((wait_left - 1))
		[ "$wait_left" -gt 0 ] || return 1
		sleep 0.02
	done
}

is_alive() { # PID: neither gone nor a zombie
	[ "$(process_state "$1")" != Z ] && kill -0 "$1" 2>/dev/null
}

is_gone() { # PID
	! is_alive "$1"
}

process_state() { # PID [TID]
	sed -n 's/^State:[^A-Za-z]*\(.\).*/\1/p' \
		"/proc/$1/task/${2:-$1}/status" 2>/dev/null
}

# The states of all threads of PID, one letter each: "SSR"
thread_states() { # PID
	cat "/proc/$1"/task/*/status 2>/dev/null |
		sed -n 's/^State:[^A-Za-z]*\(.\).*/\1/p' | tr -d '\n'
}

has_stopped_threads() { # PID
	case $(thread_states "$1") in
	*[tT]*) return 0 ;;
	*) return 1 ;;
	esac
}

# start_background COMMAND...: sets target_pid; output in $target_out
start_background() {
	target_out=$(mktemp "$scratch/target.XXXXXX")
	"$@" >"$target_out" 2>&1 </dev/null 9>&- &
	target_pid=$!
	target_pids="$target_pids $target_pid"
}

# The status is how many of these jobs failed.
wait_all() { # PID...
	n_bad=0
	for job in "$@"; do
		wait "$job" || n_bad=$((n_bad + 1))
	done
	return "$n_bad"
}

has_line() { # FILE
	[ -s "$1" ] && [ -n "$(head -n 1 "$1")" ]
}

has_text() { # FILE TEXT
	grep -qF -e "$2" "$1"
}

# start_target COMMAND...: as start_background, then wait for the first line
# of output, by which a target says that it is ready
start_target() {
	start_background "$@"
	wait_until 30 has_line "$target_out" && return
	diag_file "$target_out"
	not_ok "$1 starts" "no line of output within 30 s"
	exit 1
}

stop_target() { # [PID]
	stop_pid=${1:-$target_pid}
	kill -CONT "$stop_pid" 2>/dev/null
	kill -KILL "$stop_pid" 2>/dev/null
	wait "$stop_pid" 2>/dev/null
	forget_target "$stop_pid"
}

# Its number may be somebody else's soon: in a storm all come round in seconds.
forget_target() { # PID
	forget_rest=
	for forget_pid in $target_pids; do
		[ "$forget_pid" = "$1" ] ||
			forget_rest="$forget_rest $forget_pid"
	done
	target_pids=$forget_rest
}

# What a test has waited for itself has left a number behind. Init has those
# whose psample was killed.
is_still_ours() { # PID
	case $(sed -n 's/^PPid:[^0-9]*//p' "/proc/$1/status" 2>/dev/null) in
	"$$" | 1) return 0 ;;
	*) return 1 ;;
	esac
}

# at_exit COMMAND: run at the end of the test, the last one first
at_exit() {
	cleanup_commands="$1
$cleanup_commands"
}

end_test() {
	eval "$cleanup_commands"
	for pid in $target_pids; do
		! is_still_ours "$pid" || stop_target "$pid"
	done
	rm -rf "$scratch"
}

trap 'end_test' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- folded stacks: "root;caller;leaf 12" -----------------------------

# Percent of all value under stacks whose leaf is FUNCTION; with "any", under
# stacks that have it anywhere. A name ends at "(" for C++.
folded_share() { # FILE FUNCTION [leaf|any]
	name=$2 awk -v where="${3:-leaf}" '
	BEGIN { name = ENVIRON["name"] }
	function is_it(frame) {
		return frame == name || index(frame, name "(") == 1
	}
	{
		value = $NF
		sub(/ [0-9]+$/, "")
		n = split($0, frame, ";")
		total += value
		hit = is_it(frame[n])
		if (where == "any")
			for (i = 1; i < n && !hit; i++)
				hit = is_it(frame[i])
		if (hit)
			sum += value
	}
	END { printf "%.2f\n", total ? 100 * sum / total : 0 }' "$1"
}

# Percent of all value under stacks that match the extended regex RE. It goes
# by the environment: -v would take backslashes for escapes, mawk unlike gawk.
folded_match() { # FILE RE
	re=$2 awk '
	BEGIN { re = ENVIRON["re"] }
	{
		value = $NF
		sub(/ [0-9]+$/, "")
		total += value
		if ($0 ~ re)
			sum += value
	}
	END { printf "%.2f\n", total ? 100 * sum / total : 0 }' "$1"
}

folded_total() { # FILE
	awk '{ total += $NF } END { printf "%.0f\n", total }' "$1"
}

# The N hottest leaves, "percent name" a line
folded_leaves() { # FILE [N]
	awk '{
		value = $NF
		sub(/ [0-9]+$/, "")
		n = split($0, frame, ";")
		sum[frame[n]] += value
		total += value
	}
	END { for (f in sum) printf "%.2f %s\n", 100 * sum[f] / total, f }' \
		"$1" | sort -rn | head -n "${2:-10}"
}
