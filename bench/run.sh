#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - what profiling costs: ./dev bench.
#
# A target measures the gaps in its own loop (tests/programs/gaps.c), 30 calls
# deep, under nothing, psample, psample with libunwind in the stop, perf with
# DWARF stacks, and a loop of eu-stack. Medians of ROUNDS (3) runs of
# SECONDS_EACH (5) s, rounds interleaved, so that all see the same machine.
# "short" counts gaps below 0.4 ms only, which other programs hardly make.
# As root, then again as an ordinary user. Beside it: CPU and memory of the
# profiler, and the bytes it wrote.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${ROUNDS:=3}" "${SECONDS_EACH:=5}" "${MUST:=yes}"
results=$scratch/results
alone
chmod 777 "$scratch"
prefix=

# Peak memory and CPU of a process (its dead children's too), from /proc
# while it lives.
watch_process() { # PID: leaves "kB ticks" in $scratch/watched
	: >"$scratch/watched"
	while [ -r "/proc/$1/stat" ]; do
		peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' \
			"/proc/$1/status" 2>/dev/null)
		used=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null |
			awk '{ print $12 + $13 + $14 + $15 }')
		[ -n "$peak" ] && [ -n "$used" ] &&
			echo "$peak $used" >"$scratch/watched.new" &&
			mv "$scratch/watched.new" "$scratch/watched"
		sleep 0.1
	done
}

# One run of gaps with a profiler attached, from its "ready" to its end.
measure() { # LABEL COMMAND...
	label=$1
	shift
	start_target "$programs/gaps" "$SECONDS_EACH"
	rm -f "$scratch/profile"
	if [ $# -gt 0 ]; then
		"$scratch/profiler" "$target_pid" "$@" \
			>"$scratch/profiler.out" 2>&1 </dev/null 9>&- &
		profiler=$!
		watch_process "$profiler"
		wait "$profiler"
	else
		echo "0 0" >"$scratch/watched"
	fi
	wait "$target_pid"
	bytes=$(stat -c %s "$scratch/profile" 2>/dev/null || echo 0)
	# label stolen% own% kB bytes p50 p99 max short%
	awk -v label="$label" -v watched="$(cat "$scratch/watched")" \
		-v bytes="$bytes" -v s="$SECONDS_EACH" \
		-v hz="$(getconf CLK_TCK)" '
		{ figure[$1] = $2 }
		END {
			split(watched, w)
			print label, figure["stolen_percent"], \
				100 * w[2] / hz / s, w[1], bytes, \
				figure["gap_p50_ns"], figure["gap_p99_ns"], \
				figure["gap_max_ns"], figure["short_percent"]
		}' "$target_out" >>"$results"
}

# profiler PID KIND HZ: as the user of this part, until the target ends.
write_profiler() {
	cat >"$scratch/profiler" <<EOS
#!/bin/sh
pid=\$1 kind=\$2 hz=\$3
case \$kind in
psample)
	exec $prefix "$PSAMPLE" -F \$hz -o "$scratch/profile" -f pprof \
		-p \$pid ;;
libunwind)
	exec $prefix "$PSAMPLE" --unwind libunwind -F \$hz \
		-o "$scratch/profile" -f pprof -p \$pid ;;
perf)
	exec $prefix perf record -q -e cpu-clock -F \$hz \
		--call-graph dwarf -o "$scratch/profile" -p \$pid ;;
eu-stack)
	# A zombie has no command line.
	while grep -q . /proc/\$pid/cmdline 2>/dev/null; do
		$prefix eu-stack -p \$pid >>"$scratch/profile" 2>/dev/null
	done ;;
esac
EOS
	chmod 755 "$scratch/profiler"
}

median() { # LABEL FIELD
	awk -v label="$1" -v n="$2" '$1 == label { print $n }' "$results" |
		sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

print_table() { # TITLE
	base=$(median nothing 2)
	printf '\n%s: stolen from a busy loop, %% of a core\n' "$1"
	printf '%-15s %7s %7s %7s %8s %8s %9s %6s %6s\n' profiler stolen \
		-idle short 'own %' 'peak kB' bytes p50us maxus
	for label in $labels; do
		awk -v l="$label" -v s="$(median "$label" 2)" -v b="$base" \
			-v o="$(median "$label" 3)" \
			-v k="$(median "$label" 4)" \
			-v n="$(median "$label" 5)" \
			-v p="$(median "$label" 6)" \
			-v m="$(median "$label" 8)" \
			-v t="$(median "$label" 9)" 'BEGIN {
			printf "%-15s %7.2f %7.2f %7.2f ", l, s, s - b, t
			printf "%8.1f %8d %9d ", o, k, n
			printf "%6.1f %6.0f\n", p / 1000, m / 1000 }'
	done
}

run_part() { # TITLE
	write_profiler
	: >"$results"
	labels="nothing psample-100 perf-100 libunwind-100 psample-1000
		perf-1000 libunwind-1000 eu-stack-loop"
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		round=$((round + 1))
		measure nothing
		for hz in 100 1000; do
			measure psample-$hz psample $hz
			measure perf-$hz perf $((hz - 1))
			measure libunwind-$hz libunwind $hz
		done
		measure eu-stack-loop eu-stack 0
	done
	print_table "$1"
	echo "load of the machine: $(cat /proc/loadavg)"
	judge "$1"
}

n_failed=0
judge() { # TITLE: what must hold, by the short gaps: others make the long
	for pair in 100:0.7 1000:7; do
		stolen=$(awk -v a="$(median "psample-${pair%:*}" 9)" \
			-v b="$(median nothing 9)" 'BEGIN { print a - b }')
		if within "$stolen" -5 "${pair#*:}" >/dev/null; then
			echo "ok: $1, ${pair%:*} Hz: $stolen % (short)," \
				"at most ${pair#*:} %"
		else
			echo "MISSED: $1, ${pair%:*} Hz: $stolen % (short)," \
				"must be at most ${pair#*:} %"
			n_failed=$((n_failed + 1))
		fi
	done
}

run_part "$(id -un)"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	user="setpriv --reuid 65534 --regid 65534 --clear-groups"
	prefix=$user
	# The target has to be that user's as well.
	mkdir "$scratch/user" && chmod 777 "$scratch/user"
	printf '#!/bin/sh\nexec %s %s "$@"\n' "$user" "$programs/gaps" \
		>"$scratch/user/gaps"
	chmod 755 "$scratch/user/gaps"
	programs=$scratch/user
	run_part "ordinary user"
	prefix=
fi
[ "$MUST" != yes ] || exit "$n_failed"
