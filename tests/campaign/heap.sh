#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh - agents in running programs, again and again.
#
# heap.sh [ROUNDS [SECONDS [KILLS]]]: psample is attached and detached ROUNDS
# (1000) times, to allocs' threads and to redis under load; and killed at a
# random moment KILLS (10000) times: half of them attached to those two, half
# in launching a program; and a tenth as often while it follows children.
# Nobody may end, hang or grow. Each of the five parts stops after a fifth of
# SECONDS (3600) with what was reached.
. "${top_srcdir:-.}/tests/run/lib.sh"
rounds=${1:-1000}
seconds=${2:-3600}
kills=${3:-10000}
plan 13
requires_ptrace
requires_program redis-server redis-benchmark redis-cli
cd "$scratch" || exit 1

rss() { # PID: anonymous memory in kB
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

n_maps() { # PID
	wc -l <"/proc/$1/maps"
}

cycles() { # PID ALIVE-COMMAND...: sets what is checked
	victim=$1
	shift
	n_done=0 n_failed=0 n_dead=0
	end=$(($(date +%s) + seconds / 5))
	while [ $n_done -lt $((rounds / 2)) ] && [ "$(date +%s)" -lt $end ]; do
		"$PSAMPLE" -q -e alloc -i 64KiB -d 0.01 -f folded -o folded \
			-p "$victim" 2>err ||
			{ n_failed=$((n_failed + 1)) && diag_file err 2; }
		n_done=$((n_done + 1))
		[ $n_done != 5 ] || {
			rss_before=$(rss "$victim")
			maps_before=$(n_maps "$victim")
		}
		[ $((n_done % 10)) != 0 ] || "$@" || { n_dead=1 && break; }
	done
	"$@" || n_dead=1
	diag "$n_done cycles, $n_failed failed; mappings $maps_before to" \
		"$(n_maps "$victim"), RssAnon $rss_before to" \
		"$(rss "$victim") kB"
}

# shellcheck disable=SC2317 # by those called by name
killed() { # PART attach|launch MAX_US PID|SEED PSAMPLE-ARGUMENT...
	n=$((kills / $1)) way=$2 max=$3 number=$4
	shift 4
	"$programs/allocs_kill" "$way" "$n" $((seconds / 5)) "$max" "$number" \
		"$PSAMPLE" -q -e alloc -i 16KiB "$@" >"kills.$number"
}

# shellcheck disable=SC2317 # called by name
attached_kills() { # PID
	killed 4 attach 100000 "$1" -d 0.03 -o killed.pb.gz -p "$1"
}

start_target "$programs/allocs" loop 4
cycles "$target_pid" is_alive "$target_pid"
check_equal "threads live on" $n_dead 0
check_equal "each attach succeeds" $n_failed 0
check "nothing adds up" within "$(n_maps "$target_pid")" 1 \
	$((maps_before + 8))
check "psample killed at any moment harms no threads" \
	attached_kills "$target_pid"
diag "$(cat "kills.$target_pid")"
kill -TERM "$target_pid"
check "and the program ends well" wait_until 30 grep -q '^done' "$target_out"

start_background redis-server --port 7391 --bind 127.0.0.1 --save '' \
	--dir "$scratch"
redis=$target_pid
wait_until 20 redis-cli -p 7391 ping >/dev/null
start_background redis-benchmark -p 7391 -t set,get -d 1000 -r 10000 -l -q
bench=$target_pid
# shellcheck disable=SC2317 # called by name
answers() {
	is_alive "$bench" && [ "$(redis-cli -p 7391 ping)" = PONG ]
}
cycles "$redis" answers
check_equal "redis answers, and none of its clients had an error" $n_dead 0
check_equal "each attach to redis succeeds" $n_failed 0
check "nothing adds up in redis" within "$(n_maps "$redis")" 1 \
	$((maps_before + 8))
check "nor does its memory" within "$(rss "$redis")" 1 $((rss_before + 6000))
check "psample killed at any moment does not harm redis" \
	attached_kills "$redis"
diag "$(cat "kills.$redis")"
check "which answers" answers

# Who waits in the stub for a psample that is dead does so for two seconds:
# six at once.
# shellcheck disable=SC2317 # called by name
launched_kills() {
	jobs=
	for i in 1 2 3 4 5 6; do
		killed 12 launch 80000 "$i" -o "killed.$i.pb.gz" -- \
			"$programs/allocs" sites 200 &
		jobs="$jobs $!"
	done
	# shellcheck disable=SC2086 # a list of numbers
	wait_all $jobs
}
check "psample killed as it launches harms no program" launched_kills
cat kills.[1-6] >all
diag_file all

# shellcheck disable=SC2317 # called by name
followed_kills() {
	killed 10 launch 120000 7 -o killed.7.pb.gz -- sh -ec \
		"$programs/allocs children 2; x=\$($programs/allocs sites 1)
		exec $programs/allocs sites 2"
}
check "nor what it follows: children, and programs by exec" followed_kills
diag_file kills.7
finish
