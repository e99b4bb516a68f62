#!/bin/sh
# SPDX-License-Identifier: MIT
# latency.sh - from attaching to the first sample, and from the end of the run
# to the profile, names and all, beside perf record and perf script.
#
#	sh bench/latency.sh [CASE...]	node, python3, clang, large
#
# "first" is the first sample, from the start of psample; "run" a whole run
# that ends with it: attach, sample, let go, name, write. "end" is from the
# signal that ends a run of SECONDS_EACH (5) s to the end of psample; of perf
# record and then perf script, which is ended after SCRIPT_LIMIT (120) s.
# "large" has more than 200 MB of DWARF (LARGE is the program; bench/symbols.sh
# makes it, and keeps it where KEEP says).
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
requires_ptrace
: "${SECONDS_EACH:=5}" "${HZ:=1000}" "${ROUNDS:=3}" "${SCRIPT_LIMIT:=120}"
alone
cd "$scratch" || exit 1

cat >loop.js <<'JS'
console.log("ready");
const until = Date.now() + 1000 * process.argv[2];
const words = [];
while (Date.now() < until) {
	for (let i = 0; i < 2000; i++)
		words.push(JSON.stringify({ key: "k" + i, value: [i, i * i] }));
	words.sort((a, b) => a.length - b.length);
	words.splice(0).map((w) => JSON.parse(w));
}
JS
cat >loop.py <<'PY'
import json, re, sys, time
print("ready", flush=True)
until = time.monotonic() + float(sys.argv[1])
while time.monotonic() < until:
    text = json.dumps({str(i): [i, i * i] for i in range(2000)})
    len(re.findall(r"\d+", text)), json.loads(text)
PY
# A minute of work for clang.
awk 'BEGIN { for (i = 0; i < 20000; i++) {
	print "int f" i "(int *p, int n) { int s = " i "; for (int i = 0;"
	print "i < n; i++) { s += p[i] * " i "; if (s & " i ") p[i] ^= s; }"
	print "return s; }"
} }' >unit.c

start_case() { # CASE: leaves its process in target_pid, or fails
	case $1 in
	node)	command -v node >/dev/null &&
			start_target node loop.js 90 ;;
	python3) start_target python3 loop.py 90 ;;
	clang)	command -v clang >/dev/null && start_target sh -c \
			'echo ready; exec clang -O2 -c -o /dev/null unit.c' ;;
	large)	[ -x "${LARGE:-}" ] || return
		# Some 200 s; a child of a shell would be there before us, and
		# only children that are born later are followed.
		# shellcheck disable=SC2016 # the inner shell's
		start_target sh -c 'echo ready; exec "$0" 100000' "$LARGE" ;;
	esac
}

ms_between() { # START END
	echo "$1 $2" | awk '{ printf "%.0f", ($2 - $1) / 1e6 }'
}

# When sampling began is in the profile, how long it took in the summary.
ms_to_first() { # START
	begin=$("$PSAMPLE" raw first.pb.gz | sed -n 's/^Time: \(.*\) UTC$/\1/p')
	sed -nE 's/^psample: 1 s.* in ([0-9.]+)([mu]*)s .*/\1 \2/p' err |
		awk -v ms="$(ms_between "$1" "$(date -d "$begin" +%s%N)")" '{
			unit["m"] = 1; unit["u"] = 1e-3; unit[""] = 1e3
			printf "%.0f", ms + $1 * unit[$2] }'
}

end_tool() { # leaves how long it takes in $end; a subshell could not wait
	from=$(date +%s%N)
	kill -INT "$tool_pid"
	wait "$tool_pid"
	end=$(ms_between "$from" "$(date +%s%N)")
}

# Children of a sh ignore SIGINT in the background; python3 may undo that.
heeding() { # COMMAND...: in the background, heeding SIGINT
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" >out 2>err </dev/null 9>&- &
	tool_pid=$!
}

psample_case() { # CASE
	from=$(date +%s%N)
	"$PSAMPLE" -F "$HZ" --samples 1 -o first.pb.gz -p "$target_pid" \
		2>err </dev/null
	run=$(ms_between "$from" "$(date +%s%N)")
	first=$(ms_to_first "$from")
	heeding "$PSAMPLE" -F "$HZ" -o end.pb.gz -p "$target_pid"
	wait_until 30 is_traced "$target_pid"
	sleep "$SECONDS_EACH"
	end_tool
	echo "$1: psample: first $first ms, run $run ms, end $end ms" \
		"($(sed -n 's/^psample: \([0-9,]* samples\).*/\1/p' err))"
}

# shellcheck disable=SC2094 # script is a file, and a command of perf
perf_case() { # CASE
	heeding perf record -q -e cpu-clock -F $((HZ - 1)) \
		--call-graph dwarf -o perf.data -p "$target_pid"
	wait_until 30 test -s perf.data
	sleep "$SECONDS_EACH"
	end_tool
	from=$(date +%s%N)
	timeout "$SCRIPT_LIMIT" perf script -i perf.data -F ip,sym,srcline \
		>script 2>told
	status=$?
	script=$(ms_between "$from" "$(date +%s%N)")
	from=$(date +%s%N)
	timeout "$SCRIPT_LIMIT" perf script -i perf.data --no-inline -F ip,sym \
		>script 2>told
	echo "$1: perf: end $end ms, and perf script $script ms with lines" \
		"(status $status), $(ms_between "$from" "$(date +%s%N)") ms" \
		"names alone"
	rm -f perf.data script
}

[ $# -gt 0 ] || set -- node python3 clang large
for name; do
	if ! start_case "$name"; then
		echo "$name: cannot be started here"
		continue
	fi
	sleep 1 # it is to be at work
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		round=$((round + 1))
		psample_case "$name"
	done
	! command -v perf >/dev/null || perf_case "$name"
	stop_target
done
echo "load of the machine: $(cat /proc/loadavg)"
