#!/bin/sh
# SPDX-License-Identifier: MIT
# layout.sh - our drawings of call graphs beside those of dot.
#
#	layout.sh [PROFILE...]
#
# Draws graphs of up to 80 functions of each PROFILE, or of programs of this
# machine recorded for the purpose, by ourselves and by dot. No boxes may
# overlap, no edge may run through a box, and there may be at most 1.5 times
# as many crossings as dot has (2 more, where dot has hardly any). A table on
# standard output; status 1 if a graph fails.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
: "${PSAMPLE:=$top/build/psample}"
command -v dot python3 >/dev/null || { echo "needs dot and python3"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
seconds=${SECONDS_EACH:-2}

record() { # NAME COMMAND...
	name=$1
	shift
	command -v "$1" >/dev/null || return 0
	"$PSAMPLE" -q -F 997 -d "$seconds" --kill -o "$scratch/$name.pb.gz" \
		-- "$@" >/dev/null 2>&1 </dev/null
}

record_programs() {
	cat "$top"/src/*/*.h >"$scratch/all.txt"
	printf '#include <map>\n#include <regex>\n#include <iostream>\n%s\n' \
		'int main() { std::map<int, std::regex> m; return m.size(); }' \
		>"$scratch/a.cc"
	record cxx g++ -O2 -c -o "$scratch/a.o" "$scratch/a.cc"
	record python python3 -c 'import json, re
while True:
    json.dumps(json.loads(json.dumps([{"a": i} for i in range(999)])))
    re.sub("(a+)+b", "c", "aaaab" * 99)'
	record perl perl -e 'while (1) { my %h; $h{$_ % 97} .= $_ for 1..9999;
		join ",", sort map { s/9/x/r } values %h }'
	record sort sh -c "while :; do sort '$scratch/all.txt'; done"
	record grep sh -c "while :; do grep -c '[a-f]*_new' \
		'$scratch/all.txt'; done"
	record node node -e 'for (;;) JSON.parse(JSON.stringify(
		[..."abc".repeat(999)].map((c) => ({ c }))))'
	record sqlite sqlite3 :memory: 'with recursive n(i) as (select 1 union
		all select i + 1 from n limit 9000000) select count(*),
		sum(length(hex(i))) from n where i % 7 group by i % 5;'
	record go go vet std
	record git git -C "$top" log --stat -M
	record psample "$PSAMPLE" report -raw -o /dev/null \
		"$scratch/cxx.pb.gz"
}

one() { # PROFILE OPTION...
	profile=$1
	shift
	base=${profile##*/}
	PSAMPLE_DOT='' "$PSAMPLE" report -svg -q -o "$scratch/ours.svg" \
		"$@" "$profile" 2>/dev/null &&
		"$PSAMPLE" report -dot "$@" "$profile" >"$scratch/g.gv" \
			2>/dev/null || return 0
	timeout "${DOT_TIMEOUT:-120}" dot -Tplain "$scratch/g.gv" \
		>"$scratch/theirs.plain" 2>/dev/null || return 0
	row=$(python3 "$top/tests/report/layout.py" "$scratch/ours.svg" \
		"$scratch/theirs.plain")
	echo "$row ${base%.pb.gz} $*" | awk '{
		most = $6 * 1.5
		most = most < $6 + 2 ? $6 + 2 : most
		bad = $3 || $4 || $5 > most
		name = $7
		for (i = 8; i <= NF; i++)
			name = name " " $i
		printf "%-34s %4d %5d %7d %7d %9d %6d%s\n", name, $1, $2, $3,
			$4, $5, $6, bad ? "  FAILED" : ""
	}'
}

if [ $# = 0 ]; then
	record_programs
	set -- "$scratch"/*.pb.gz
fi
printf '%-34s %4s %5s %7s %7s %9s %6s\n' graph boxes edges overlap through \
	crossings "dot's"
for profile; do
	one "$profile"
	one "$profile" -lines
	one "$profile" -nodecount=40 -edgefraction=0
done | tee "$scratch/table"
echo "$(wc -l <"$scratch/table") graphs," \
	"$(grep -c FAILED "$scratch/table") failed"
! grep -q FAILED "$scratch/table"
