#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh - agents in running programs, again and again.
#
# heap.sh [ROUNDS [SECONDS]]: allocs' threads, then redis under load; ROUNDS
# times (1000) psample is attached and detached or, every other time, killed
# at a random moment. None may end, hang or grow. Stops after SECONDS (3600)
# with what was reached. Of launched programs: KILLS=300 sh
# tests/run/heap-native.sh.
. "${top_srcdir:-.}/tests/run/lib.sh"
rounds=${1:-1000}
seconds=${2:-3600}
plan 8
requires_ptrace
requires_program redis-server redis-benchmark redis-cli
cd "$scratch" || exit 1
begin=$(date +%s)

rss() { # PID: anonymous memory in kB
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

n_maps() { # PID
	wc -l <"/proc/$1/maps"
}

# One attach to PID, to the end or not; MOMENT in ms
visit() { # PID MOMENT
	"$PSAMPLE" -q -e alloc -i 64KiB -d "0.0$(($2 % 10))5" -f folded \
		-o folded -p "$1" 2>err &
	visitor=$!
	if [ $(($2 % 2)) = 1 ]; then
		sleep "$(awk -v ms="$2" 'BEGIN { print ms / 1000 }')"
		kill -KILL $visitor 2>/dev/null
		wait $visitor 2>/dev/null
		n_killed=$((n_killed + 1))
		return
	fi
	if ! wait $visitor; then
		n_failed=$((n_failed + 1))
		diag_file err 2
	fi
}

campaign() { # PID ALIVE-COMMAND...: sets what is checked
	victim=$1
	shift
	n_done=0 n_killed=0 n_failed=0 n_dead=0
	visit "$victim" 10
	maps_before=$(n_maps "$victim")
	while [ $n_done -lt $((rounds / 2)) ] &&
		[ $(($(date +%s) - begin)) -lt $((seconds * half / 2)) ]; do
		moment=$(awk -v n=$n_done 'BEGIN {
			srand(n); printf "%d", 4 + rand() * 100 }')
		visit "$victim" "$moment"
		n_done=$((n_done + 1))
		[ $((n_done % 10)) != 0 ] || "$@" ||
			{ n_dead=1 && break; }
		[ $n_done != 20 ] || rss_before=$(rss "$victim")
	done
	"$@" || n_dead=1
	diag "$n_done rounds, $n_killed killed, $n_failed failed;" \
		"RssAnon $rss_before to $(rss "$victim") kB"
}

half=1
start_target "$programs/allocs" loop 4
campaign "$target_pid" is_alive "$target_pid"
check_equal "threads live on" $n_dead 0
check_equal "each attach that is not killed succeeds" $n_failed 0
check "nothing adds up" within "$(n_maps "$target_pid")" 1 \
	$((maps_before + 8))
kill -TERM "$target_pid"
check "and the program ends well" wait_until 30 grep -q '^done' "$target_out"

half=2
start_background redis-server --port 7391 --bind 127.0.0.1 --save '' \
	--dir "$scratch"
redis=$target_pid
wait_until 20 redis-cli -p 7391 ping
start_background redis-benchmark -p 7391 -t set,get -d 1000 -r 10000 -l -q
bench=$target_pid
answers() {
	is_alive "$bench" && [ "$(redis-cli -p 7391 ping)" = PONG ]
}
campaign "$redis" answers
check_equal "redis answers, and none of its clients had an error" $n_dead 0
check_equal "each attach to redis succeeds" $n_failed 0
check "nothing adds up in redis" within "$(n_maps "$redis")" 1 \
	$((maps_before + 8))
check "nor does its memory" within "$(rss "$redis")" 1 $((rss_before + 6000))
finish
