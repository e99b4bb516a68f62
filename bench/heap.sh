#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh - what watching allocations costs: ./dev bench heap.
#
# ns per pair of malloc and free (pairs.c), medians of ROUNDS (3) interleaved
# runs, alone, under psample (silent: a mean that is never reached; 512 KiB;
# 8 MiB), heaptrack, tcmalloc, and tcmalloc's sampler. Then redis and python3
# without and with psample attached, and how long a thread is held for that.
# Others are left out where they are not installed.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${ROUNDS:=3}" "${PAIRS:=10}" "${REQUESTS:=400000}"
alone
cd "$scratch" || exit 1
cc -O2 -o pairs "$top_srcdir/bench/pairs.c" || exit 1
# heaptrack keeps to names that it finds beside the program
libraries=/usr/lib/x86_64-linux-gnu

median() { # FIELD: of lines on stdin
	awk -v n="$1" 'NF { print $n }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

measure() { # LABEL COMMAND...: appends "LABEL HOT MIXED" to pairs.all
	label=$1
	shift
	"$@" >out 2>err </dev/null || return 0
	grep -E '^[0-9.]+ [0-9.]+$' out >figures || return 0
	echo "$label $(median 1 <figures) $(median 2 <figures)" >>pairs.all
}

round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	measure glibc ./pairs "$PAIRS"
	measure psample,silent "$PSAMPLE" -q -e alloc -i 900GiB -o p.pb.gz \
		-- ./pairs "$PAIRS"
	measure psample,512KiB "$PSAMPLE" -q -e alloc -o p.pb.gz \
		-- ./pairs "$PAIRS"
	measure psample,8MiB "$PSAMPLE" -q -e alloc -i 8MiB -o p.pb.gz \
		-- ./pairs "$PAIRS"
	! command -v heaptrack >/dev/null ||
		measure heaptrack heaptrack -o track ./pairs 1
	[ ! -e $libraries/libtcmalloc.so.4 ] || {
		measure tcmalloc env \
			LD_PRELOAD=$libraries/libtcmalloc.so.4 ./pairs "$PAIRS"
		measure tcmalloc,512KiB env \
			LD_PRELOAD=$libraries/libtcmalloc.so.4 \
			TCMALLOC_SAMPLE_PARAMETER=524288 ./pairs "$PAIRS"
	}
done

row() { # LABEL BASE
	hot=$(grep "^$1 " pairs.all | median 2)
	mixed=$(grep "^$1 " pairs.all | median 3)
	[ -n "$hot" ] || return 0
	awk -v l="$1" -v h="$hot" -v m="$mixed" \
		-v bh="$(grep "^$2 " pairs.all | median 2)" \
		-v bm="$(grep "^$2 " pairs.all | median 3)" 'BEGIN {
		printf "%-17s %8.2f %+8.2f %8.2f %+8.2f\n", l, h, h - bh, \
			m, m - bm }'
}

printf '%-17s %8s %8s %8s %8s\n' 'ns per pair' hot more mixed more
for label in glibc psample,silent psample,8MiB psample,512KiB heaptrack; do
	row $label glibc
done
for label in tcmalloc tcmalloc,512KiB; do
	row $label tcmalloc
done

# --- real programs: pairs of runs, without and with ----------------------
attach() { # PID
	"$PSAMPLE" -e alloc -o p.pb.gz -p "$1" >out 2>err &
	profiler=$!
	wait_until 10 grep -q '/memfd:psample' "/proc/$1/maps"
}

detach() {
	kill -TERM $profiler
	wait $profiler
	sed -n 's/.*one thread was held for \([^,]*\),.*/\1/p' err >>held
}

if command -v redis-benchmark >/dev/null; then
	start_background redis-server --port 7392 --bind 127.0.0.1 \
		--save '' --dir "$scratch"
	wait_until 20 redis-cli -p 7392 ping >/dev/null
	rate() {
		redis-benchmark -p 7392 -t set -d 1000 -P 16 -r 10000 \
			-n "$REQUESTS" --csv |
			sed -n 's/^"SET","\([^"]*\)".*/\1/p'
	}
	rate >/dev/null
	for _ in $(seq $((2 * ROUNDS))); do
		ticks=$(cpu_ticks "$target_pid")
		echo "$(rate) $(($(cpu_ticks "$target_pid") - ticks))" >>redis.0
		attach "$target_pid"
		ticks=$(cpu_ticks "$target_pid")
		echo "$(rate) $(($(cpu_ticks "$target_pid") - ticks))" >>redis.1
		detach
	done
	awk -v a="$(median 1 <redis.0)" -v b="$(median 1 <redis.1)" \
		-v c="$(median 2 <redis.0)" -v d="$(median 2 <redis.1)" 'BEGIN {
		printf "redis, SET of 1000 bytes: %.0f requests/s, with " \
			"psample %.0f (%+.1f %%); its CPU time %+.1f %%\n", \
			a, b, 100 * (b / a - 1), 100 * (d / c - 1) }'
	stop_target
fi
cat >work.py <<'EOS'
import json, time
x = [{"a": "b" * 1000, "c": list(range(1000))}] * 20
begin = time.process_time()
for i in range(120):
    json.loads(json.dumps(x))
print(time.process_time() - begin)
EOS
python=$(readlink -f "$(command -v python3)")
for _ in $(seq $((2 * ROUNDS))); do
	"$python" work.py >>python.0
	"$PSAMPLE" -q -e alloc -o p.pb.gz -- "$python" work.py >>python.1
done
awk -v a="$(median 1 <python.0)" -v b="$(median 1 <python.1)" 'BEGIN {
	printf "python3, json: %.3f s of CPU, with psample %.3f (%+.1f %%)\n", \
		a, b, 100 * (b / a - 1) }'
[ ! -e held ] || echo "one thread was held, at each attach:" \
	"$(sort held | tr '\n' ' ')"
echo "load of the machine: $(cat /proc/loadavg)"
