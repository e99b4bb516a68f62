#!/bin/sh
# SPDX-License-Identifier: MIT
# make.sh - the profiles that reports are compared for.
#
#	make.sh DIRECTORY
#
# Makes them by hand, by Go, by gperftools and by $PSAMPLE, as far as these are
# here: *.pb.gz, and *.legacy in older formats. $PROGRAMS is where the programs
# of the tests are, $GOCACHE where Go may keep what it compiles. Status 1 if
# one of those who are here fails; what it said is in DIRECTORY/log.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/work"
cd "$1" || exit 1
exec >log 2>&1

by_hand() {
	python3 "$here/make_profiles.py" . &&
		python3 "$here/make_legacy.py" .
}

by_go() {
	command -v go >/dev/null || return 0
	GO111MODULE=off GOFLAGS='' go build -o work/goprof \
		"$here/goprof.go" && work/goprof .
}

by_gperftools() {
	c++ -O1 -o work/gperf "$here/gperf.cpp" -ltcmalloc_and_profiler ||
		return 0
	TCMALLOC_SAMPLE_PARAMETER=65536 work/gperf "$PWD" || return
	rm -f gperf.*.heap
}

record() { # NAME OPTION... -- COMMAND...
	out=$1.pb.gz
	shift
	"$PSAMPLE" -q -o "$out" "$@" </dev/null # status: the program's
}

by_psample() {
	printf '%s\n' 'main;work;leaf 60' 'main;work 25' \
		'main;other name;leaf 10' 'main 5' >work/x.folded
	"$PSAMPLE" report -proto work/x.folded >folded.pb.gz || return
	record ps_cpu -- true || return 0	# ptrace is not permitted
	record ps_cpu -F 200 -- "$PROGRAMS/truth" one 1
	record ps_threads -F 200 --by-thread -e wall -- "$PROGRAMS/threads" 300
	record ps_children -F 500 -- "$PROGRAMS/fork_tree" 100
	[ -s ps_cpu.pb.gz ] && [ -s ps_threads.pb.gz ] &&
		[ -s ps_children.pb.gz ]
}

by_go &
go_pid=$!
status=0
by_hand || status=1
by_gperftools || status=1
by_psample || status=1
wait $go_pid || status=1
rm -rf work
exit $status
