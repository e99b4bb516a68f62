#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh - bytes of a profile and memory of psample, for a long and a short
# run at 1000 Hz, beside perf record.
#
#	sh bench/size.sh [LONG [SHORT]]	in seconds: 600 and 60
#
# The target is python3, which runs and compiles a part of its own library.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_ptrace
requires_program python3
long=${1:-600} short=${2:-60}
cd "$scratch" || exit 1
cat >loop.py <<'PY'
import ast, glob, json, os, re, sys, time
until = time.monotonic() + float(sys.argv[1])
print("ready", flush=True)
files = sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))
while True:
    for file in files:
        text = open(file, encoding="utf-8", errors="replace").read()
        ast.dump(ast.parse(text))
        json.dumps(re.findall(r"\w+", text))
        if time.monotonic() > until:
            sys.exit()
PY

report() { # TOOL SECONDS FILE: of bench/cost's line in err
	tail -n 1 err | awk -v tool="$1" -v s="$2" \
		-v bytes="$(stat -c %s "$3")" '{
		printf "%-8s %5d s: %11d bytes, %6.1f MiB of memory, " \
			"%5.1f %% of a core\n", tool, s, bytes, $3,
			100 * $2 / $1 }'
}

for seconds in "$short" "$long"; do
	start_target python3 loop.py $((seconds + 5))
	"$top_builddir/bench/cost" "$PSAMPLE" -F 1000 -d "$seconds" \
		-o profile.pb.gz -p "$target_pid" 2>err >out </dev/null 9>&-
	report psample "$seconds" profile.pb.gz
	wait "$target_pid"
	command -v perf >/dev/null || continue
	# A minute is enough of a file that grows with each sample.
	[ "$seconds" -le 60 ] || continue
	start_target python3 loop.py $((seconds + 5))
	"$top_builddir/bench/cost" perf record -q -e cpu-clock -F 999 \
		--call-graph dwarf -o perf.data -p "$target_pid" \
		-- sleep "$seconds" 2>err >out </dev/null 9>&-
	report perf "$seconds" perf.data
	rm -f perf.data
	stop_target
done
