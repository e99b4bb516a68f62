#!/bin/sh
# SPDX-License-Identifier: MIT
# attach.sh - [CYCLES [SECONDS]]: attach to a server of 100 threads under load
# and leave it again, CYCLES times (10,000) or until SECONDS (110) are over;
# every other time for cpu and for wall. No request may fail, no thread be left
# traced, no memory or descriptor be lost. Run it again for more: it says how
# many cycles there were. REDIS=yes does the same to redis-server with four
# I/O threads, asked by redis-benchmark.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
cycles=${1:-10000}
seconds=${2:-110}
plan 5
requires_ptrace
[ "${REDIS:-no}" = no ] || requires_program redis-server redis-benchmark
cd "$scratch" || exit 1
begin=$(date +%s)

rss_kib() { # PID
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# Those of connections and of epoll, one for each of some connections, come
# and go.
n_descriptors() { # PID
	find "/proc/$1/fd" \( -lname 'socket:*' -o -lname 'anon_inode:*' \) \
		-prune -o -type l -print 2>"$scratch/find" | wc -l
}

start_redis() {
	start_background redis-server --port 0 --unixsocket "$scratch/s" \
		--save '' --io-threads 4 --io-threads-do-reads yes
	victim=$target_pid
	wait_until 10 redis-cli -s "$scratch/s" ping
	(
		while [ ! -e stop ]; do
			redis-benchmark -q -s "$scratch/s" -c 20 -n 20000 \
				-t set,get,lrange_100 9>&-
		done >load.out 2>&1
		echo over >>load.out
	) &
}

end_redis() {
	: >stop
	wait_until 60 has_text load.out over
	failed=$(grep -ci error load.out)
	requests=$(redis-cli -s "$scratch/s" info stats |
		sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p')
}

start_server() {
	start_target "$programs/attach_server" 100 $((seconds + 60))
	victim=$target_pid
}

end_server() {
	kill "$(sed -n 's/^ready //p' "$target_out")"
	wait "$victim" || diag "the server's status is $?"
	failed=$(sed -n 's/.*failed //p' "$target_out")
	requests=$(sed -n 's/^requests \([0-9]*\).*/\1/p' "$target_out")
}

if [ "${REDIS:-no}" = no ]; then server=server; else server=redis; fi
"start_$server"
n_done=0 n_bad=0
while [ $n_done -lt "$cycles" ] &&
	[ $(($(date +%s) - begin)) -lt "$seconds" ]; do
	mode=cpu
	[ $((n_done % 2)) = 0 ] || mode=wall
	"$PSAMPLE" -q -e $mode -F 1000 -d 0.01 -f folded -o profile \
		-p "$victim" >err 2>&1 </dev/null || {
		n_bad=$((n_bad + 1))
		diag_file err
		is_alive "$victim" || break
	}
	n_done=$((n_done + 1))
	if [ $n_done = 100 ]; then
		rss=$(rss_kib "$victim")
		descriptors=$(n_descriptors "$victim")
	fi
done
check_equal "every attach of $n_done worked" $n_bad 0
check "no thread is left traced" wait_until 5 is_untraced "$victim"
check "memory is flat" within "$(rss_kib "$victim")" 0 \
	$((${rss:-1000000} + 2048))
check "so are descriptors" within "$(n_descriptors "$victim")" 0 \
	$((${descriptors:-1000} + 2))
"end_$server"
check_equal "no request of $requests failed" "$failed" 0 ||
	diag_file "$target_out"
finish
