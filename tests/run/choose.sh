#!/bin/sh
# SPDX-License-Identifier: MIT
# choose.sh - who is sampled, by pid, name and thread; how a run is bounded;
# and what is said of targets and values that make no sense.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 18
requires_ptrace
cd "$scratch" || exit 1

# record STATUS OPTION...: text goes to err, folded stacks to folded
record() {
	wanted=$1
	shift
	"$PSAMPLE" -F 200 -f folded -o folded "$@" >out 2>err </dev/null
	[ $? = "$wanted" ] && return
	diag_file err
	return 1
}

says() { # STATUS TEXT OPTION...
	status=$1 text=$2
	shift 2
	record "$status" "$@" && has_text err "$text" && return
	diag_file err
	return 1
}

cp "$programs/truth" chosen$$
start_target ./chosen$$ one 600
chosen=$target_pid
check "-n takes the processes of this name" \
	says 0 "attaching to $chosen" -d 60 --samples 5 -n "^chosen$$\$"
check "and they are sampled" within "$(folded_share folded spin any)" 90 100
check "-n looks at how it was called, too" \
	says 0 "attaching to $chosen" -d 0.1 -n "/chosen$$\$"
check "nobody of this name is said" \
	says 1 "no process is called ^no such name\$" -n '^no such name$'
check "an expression that is none is said" \
	says 1 "bad regular expression [: missing" -n '['

start_background "$programs/threads" 5000
has_threads() { # its main thread and four more, which have their names
	[ "$(find "/proc/$target_pid/task" -mindepth 1 -maxdepth 1 |
		wc -l)" = 5 ] &&
		grep -qx delta "/proc/$target_pid/task/"*/comm
}
wait_until 10 has_threads
delta=$(grep -lx delta "/proc/$target_pid/task/"*/comm | cut -d/ -f5)
check "-t samples this thread" record 0 -d 60 --samples 5 -t "$delta"
check "and no other" within \
	"$(folded_match folded 'hot_(alpha|beta|gamma)')" 0 0
check "a thread that is not there is said" \
	says 1 "no thread 99999999" -t 99999999
check "nor is one of another process than -p says" \
	says 1 "thread $$ is not of that" -d 1 -t "$$" -p "$target_pid"
stop_target

check "--samples ends the run after so many" \
	timeout 20 "$PSAMPLE" -q -d 60 --samples 5 -f folded -o folded \
	-p "$chosen"
record 0 -d 60 --samples 5 --max-depth 1 -p "$chosen"
check "--max-depth cuts stacks, which is seen" \
	within "$(folded_match folded '^[[]truncated[]];')" 50 100
"$PSAMPLE" -q -d 0.1 --kill -f folded -o folded -- \
	"$programs/truth" one 60 >out 2>err
check_equal "--kill ends the program after -d, as SIGTERM does" $? 143
check "--kill without -d is refused" says 2 "no -d" --kill -- true
check "what is no number is refused" \
	says 2 "bad value x for --max-depth" --max-depth x -- true
check "a list of pids with something else in it is refused" \
	says 2 "bad list of ids: 1,x" -p 1,x
check "a folder is no program" says 126 "it is a directory" -- /tmp

# The run that is steered is refused words it does not know.
mkfifo words
"$PSAMPLE" -d 20 --control words -f folded -o folded -p "$chosen" \
	>out 2>err </dev/null &
steered=$!
# Nobody would ever read what is written to one that could not begin.
wait_until 20 is_traced "$chosen" && {
	echo perhaps
	echo "dump other.folded"
	echo end
} >words
wait "$steered"
check_equal "end ends a run, whatever else was said" $? 0
is_steered() {
	has_text err "unknown word on the control FIFO" &&
		[ -e other.folded ] && [ -e folded ] # maybe without samples
}
check "a word that is none is told, and dump FILE writes there" is_steered
finish
