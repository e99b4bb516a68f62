#!/bin/sh
# SPDX-License-Identifier: MIT
# latency.sh - from attaching to the first sample, and from the end of the run
# to the profile, names and all, beside perf record and perf script.
#
#	sh bench/latency.sh [CASE...]	node, python3, clang, large
#
# "first" is a whole run that ends with its first sample: attach, sample, let
# go, name, write. "end" is from the signal that ends a run of SECONDS_EACH (5)
# s to the end of psample; of perf record and then perf script, which is ended
# after 120 s. "large" has more than 200 MB of DWARF (bench/symbols.sh makes
# it; LARGE is the program if it exists).
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
requires_ptrace
: "${SECONDS_EACH:=5}" "${HZ:=1000}" "${ROUNDS:=3}"
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
cat >unit.cc <<'CC'
#include <algorithm>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
int main() { std::map<int, std::string> m; std::regex r("a+b"); return
	std::regex_match(m[0], r); }
CC

start_case() { # CASE: leaves its process in target_pid, or fails
	case $1 in
	node)	command -v node >/dev/null &&
			start_target node loop.js 90 ;;
	python3) start_target python3 loop.py 90 ;;
	clang)	command -v clang++ >/dev/null || return
		# It compiles the same file until it is killed.
		start_target sh -c 'echo ready; while :; do
			clang++ -O2 -c -o /dev/null unit.cc; done' ;;
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
	"$PSAMPLE" -q -F "$HZ" --samples 1 -o first.pb.gz -p "$target_pid" \
		2>err </dev/null
	first=$(ms_between "$from" "$(date +%s%N)")
	heeding "$PSAMPLE" -F "$HZ" -o end.pb.gz -p "$target_pid"
	wait_until 30 is_traced "$target_pid"
	sleep "$SECONDS_EACH"
	end_tool
	echo "$1: psample: first $first ms, end $end ms" \
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
	timeout 120 perf script -i perf.data -F ip,sym,srcline >script \
		2>told
	status=$?
	script=$(ms_between "$from" "$(date +%s%N)")
	from=$(date +%s%N)
	timeout 120 perf script -i perf.data --no-inline -F ip,sym \
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
