#!/bin/sh
# SPDX-License-Identifier: MIT
# heap.sh - what watching allocations costs: ./dev bench heap.
#
# ns per pair of malloc and free (pairs.c), alone, under psample (silent: a
# mean that is never reached; 512 KiB; 8 MiB; likewise with --no-inuse), under
# heaptrack, tcmalloc, and
# tcmalloc's sampler, interleaved: of each run the lower quartile of its PAIRS
# (40) rounds, of ROUNDS (3) runs the median, and of that the mean over four
# places of the loops in a cache line. Then redis and python3
# without and with psample attached, and how long a thread is held for that.
# Others are left out where they are not installed.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${ROUNDS:=3}" "${PAIRS:=40}" "${REQUESTS:=400000}"
alone
cd "$scratch" || exit 1
pads='16 32 48 64'
for pad in $pads; do
	cc -O2 "-DPAD=$pad" -o "pairs.$pad" "$top_srcdir/bench/pairs.c" ||
		exit 1
done
# heaptrack keeps to names that it finds beside the program
libraries=/usr/lib/x86_64-linux-gnu

median() { # FIELD: of lines on stdin
	awk -v n="$1" 'NF { print $n }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

quartile() { # FIELD: the lower one, of lines on stdin
	awk -v n="$1" 'NF { print $n }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 3) / 4)] }'
}

measure() { # LABEL COMMAND...: appends "LABEL PAD HOT MIXED" to pairs.all
	label=$1
	shift
	"$@" >out 2>err </dev/null || return 0
	grep -E '^[0-9.]+ [0-9.]+$' out >figures || return 0
	echo "$label $pad $(quartile 1 <figures) $(quartile 2 <figures)" \
		>>pairs.all
}

figure() { # LABEL FIELD: the mean over pads of medians
	for place in $pads; do
		grep "^$1 $place " pairs.all | median "$2"
	done | awk 'NF { sum += $1; n++ } END { if (n) print sum / n }'
}

measure_all() {
	measure glibc "./pairs.$pad" "$PAIRS"
	measure psample,silent "$PSAMPLE" -q -e alloc -i 900GiB -o p.pb.gz \
		-- "./pairs.$pad" "$PAIRS"
	measure psample,512KiB "$PSAMPLE" -q -e alloc -o p.pb.gz \
		-- "./pairs.$pad" "$PAIRS"
	measure psample,8MiB "$PSAMPLE" -q -e alloc -i 8MiB -o p.pb.gz \
		-- "./pairs.$pad" "$PAIRS"
	for mean in 900GiB 8MiB 512KiB; do
		measure "no-inuse,$mean" "$PSAMPLE" -q -e alloc --no-inuse \
			-i $mean -o p.pb.gz -- "./pairs.$pad" "$PAIRS"
	done
	! command -v heaptrack >/dev/null ||
		measure heaptrack heaptrack -o track "./pairs.$pad" 2
	[ ! -e $libraries/libtcmalloc.so.4 ] || {
		measure tcmalloc env LD_PRELOAD=$libraries/libtcmalloc.so.4 \
			"./pairs.$pad" "$PAIRS"
		measure tcmalloc,512KiB env \
			LD_PRELOAD=$libraries/libtcmalloc.so.4 \
			TCMALLOC_SAMPLE_PARAMETER=524288 \
			"./pairs.$pad" "$PAIRS"
	}
}

round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	for pad in $pads; do
		measure_all
	done
done

row() { # LABEL BASE
	hot=$(figure "$1" 3)
	[ -n "$hot" ] || return 0
	awk -v l="$1" -v h="$hot" -v m="$(figure "$1" 4)" \
		-v bh="$(figure "$2" 3)" -v bm="$(figure "$2" 4)" 'BEGIN {
		printf "%-17s %7.2f %+7.2f %+6.1f%% %7.2f %+7.2f %+6.1f%%\n",
			l, h, h - bh, 100 * (h / bh - 1), m, m - bm,
			100 * (m / bm - 1) }'
}

printf '%-17s %7s %7s %7s %7s %7s %7s\n' 'ns per pair' hot more '' \
	mixed more ''
for label in glibc psample,silent psample,8MiB psample,512KiB \
	no-inuse,900GiB no-inuse,8MiB no-inuse,512KiB heaptrack; do
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
			"psample %.0f (%+.1f %%); its CPU time ", \
			a, b, a ? 100 * (b / a - 1) : 0
		if (c)
			printf "%+.1f %%\n", 100 * (d / c - 1)
		else # REQUESTS is too small
			print "is less than a tick" }'
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
