#!/bin/sh
# SPDX-License-Identifier: MIT
# serve-load.sh - psample serve under a crowd of clients, and what its target
# has left of its speed.
#
#	serve-load.sh [SECONDS [CLIENTS [RANDOM_REQUESTS]]]
#
# 60, 200 and 10,000 if not said. Needs curl, python3; the target is redis
# under redis-benchmark if that is there, but not with NO_SPEED=1. Its speed
# tells on a machine with nothing else to do; with 0 seconds only that.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
seconds=${1:-60}
clients=${2:-200}
requests=${3:-10000}
plan 12
requires_program curl python3
requires_serve
requires_ptrace

ask_all() { # SECONDS CLIENTS RANDOM_REQUESTS
	python3 "$top_srcdir/tests/campaign/serve_load.py" "$port" "$@"
}

count_fds() {
	find "/proc/$server/fd" -mindepth 1 | wc -l
}

rss_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"
}

n_workers() {
	wc -w <"/proc/$server/task/$server/children"
}

# --- a busy target ---------------------------------------------------------

if [ -z "${NO_SPEED:-}" ] && command -v redis-benchmark >/dev/null; then
	redis="$scratch/redis"
	start_background redis-server --port 0 --unixsocket "$redis" --save ''
	target=$target_pid
	wait_until 20 [ -S "$redis" ]
	start_background redis-benchmark -s "$redis" -q -l -t set,get
	start_target "$programs/truth" eight 600
	other=$target_pid
	n_done() {
		redis-cli -s "$redis" info stats |
			sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p'
	}
else
	start_target "$programs/truth" eight 600
	target=$target_pid
	other=
fi

# Commands a second of the target while COMMAND runs
rate_with() { # COMMAND...
	rate_from="$(n_done) $(date +%s.%N)"
	"$@" >&2
	echo "$rate_from $(n_done) $(date +%s.%N)" |
		awk '{ printf "%.0f\n", ($3 - $1) / ($4 - $2) }'
}

ratio() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", b ? a / b : 0 }'
}

ask_on() { # SECONDS: one client after the other
	ask_end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$ask_end" ]; do
		http_get -o body \
			"http://127.0.0.1:$port/debug/pprof/profile?seconds=2"
	done
}

# Of five seconds, whatever those who ask then still wait for.
rate_beside_crowd() {
	python3 "$top_srcdir/tests/campaign/serve_load.py" "$port" 30 \
		"$clients" 0 >answers 2>&1 9>&- &
	crowd_pid=$!
	sleep 2
	rate_with sleep 5
	kill -KILL "$crowd_pid"
	wait "$crowd_pid" 2>/dev/null
}

if [ -n "$other" ]; then
	alone=$(rate_with sleep 4)
	start_server -p "$target"
	idle=$(rate_with sleep 4)
	one=$(rate_with ask_on 4)
	alone_too=$(rate_with sleep 4)
	stop_server
	# The crowd itself takes most of the machine: once it asks for this
	# target, once for another one.
	start_server -p "$other" --max-clients 256
	beside=$(rate_beside_crowd)
	stop_server
	start_server -p "$target" --max-clients 256
	crowd=$(rate_beside_crowd)
	stop_server
	stop_target "$other"
	diag "commands/s: alone $alone and $alone_too, idle server $idle," \
		"profiles one after the other $one," \
		"a crowd for others $beside, a crowd for this one $crowd"
	check "an idle server costs the target nothing" \
		within "$(ratio "$idle" "$(((alone + alone_too) / 2))")" 0.9 2
	check "profiles all the time leave it most of its speed" \
		within "$(ratio "$one" "$(((alone + alone_too) / 2))")" 0.6 2
	check "so does a crowd, next to one that profiles another process" \
		within "$(ratio "$crowd" "$beside")" 0.5 3
else
	skip "speed with an idle server" "needs redis"
	skip "speed with profiles" "needs redis"
	skip "speed with a crowd" "needs redis"
fi

# --- a crowd ----------------------------------------------------------------

[ "$seconds" != 0 ] || skip_all "no crowd was asked for"
start_server -p "$target" --max-clients 256
fds=$(count_fds)
ask_all 5 20 100 >answers
rss=$(rss_kib)
ask_all "$seconds" "$clients" "$requests" >answers
diag "$(cat answers)"
check "the server is there after it" is_alive "$server"
check_equal "and answers" \
	"$(get_status "http://127.0.0.1:$port/healthz")" 200
is_calm() {
	[ "$(count_fds)" -le $((fds + 4)) ] && [ "$(n_workers)" -le 1 ]
}
check "its descriptors are those of before" wait_until 40 is_calm
diag "descriptors $fds, then $(count_fds); KiB $rss, then $(rss_kib)"
check "its memory is flat" within "$(rss_kib)" 0 $((rss + 16384))
check "no answer was 500" [ "$(grep -c ' 500:' answers)" = 0 ]
check "most were 200" grep -q ' *200:[0-9]\{3,\}' answers
no_tracer() {
	grep -q '^TracerPid:[^0-9]*0$' "/proc/$target/status"
}
check "nobody is attached, and no thread was left stopped" \
	wait_until 10 eval 'no_tracer && ! has_stopped_threads "$target"'
stop_server
check_equal "the server ends well" "$server_status" 0
check "the target still runs" is_alive "$target"
! grep -a 'ERROR: \|WARNING: \|runtime error' server.err >said ||
	diag_file said 60
finish
