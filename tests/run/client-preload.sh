#!/bin/sh
# SPDX-License-Identifier: MIT
# client-preload.sh - programs written for gperftools, unchanged, with
# psample-preload.so in front of gperftools' own libraries.
#
# CYCLES=1000 is its long form (tests/campaign/client.sh). Breaks if a
# variable or function of gperftools means something else here.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 17
requires_program cc
cycles=${CYCLES:-8}
preload=$(cd "$top_builddir" && pwd)/psample-preload.so
cd "$scratch" || exit 1

build() { # NAME OPTION...
	name=$1
	shift
	cc -std=gnu11 -D_GNU_SOURCE -pthread -O2 -g -DGPERFTOOLS \
		"$top_srcdir/tests/programs/$name.c" -o "$name" "$@" \
		>>build.log 2>&1
}

if ! build client_storm -lprofiler ||
	! build client_gperftools -ltcmalloc -lprofiler; then
	skip_all "needs gperftools' headers and libraries"
fi
requires_ptrace

# The variables are for the program, not for what starts it.
run() { # VARIABLE=VALUE... PROGRAM [ARG...]
	timeout -s KILL "${limit:-60}" env LD_PRELOAD="$preload" "$@" \
		>out 2>err 9>&-
}

shows() { # FILE FUNCTION LEAST
	"$PSAMPLE" folded "$1" >shown 2>report &&
		within "$(folded_share shown "$2" any)" "$3" 100
}

run CPUPROFILE=cpu ./client_gperftools fork
check_equal "a program with CPUPROFILE ends as it would" $? 0
check "it knows that it is being profiled" has_text out "cpu 1 cpu"
check "the profile has that name" shows cpu f 40
check_equal "and so has its child, with a pid behind it" \
	"$(find . -name 'cpu_*' | grep -c '/cpu_[0-9]*$')" 1
check "in which its work is seen" shows cpu_* f 40

run CPUPROFILE=toggled CPUPROFILESIGNAL=12 ./client_gperftools signal
check_equal "CPUPROFILESIGNAL does not start at once" \
	"$(head -n 1 out)" "cpu 0 "
check "the signal starts and ends a profile" shows toggled.0 f 60
check "and another one" shows toggled.1 f 60

run HEAPPROFILE=heap ./client_gperftools
check_equal "a program with HEAPPROFILE ends as it would" $? 0
check "it knows that its heap is watched" has_text out "heap 1"
check "the dump that it asks for is there" shows heap.0001.heap keep 90
check "and the one of its end" shows heap.0002.heap keep 90
total=$(folded_total shown)
check "which has the 80 MB that it keeps" within "$total" 60000000 105000000

PSAMPLE=$scratch/none run CPUPROFILE=none.out ./client_gperftools
check_equal "without psample the program runs all the same" $? 0
check "and says why there is no profile" has_text err \
	"psample-preload: none.out: $scratch/none: No such file"

mkdir storm
limit=$((60 + cycles * 5))
run CPUPROFILE_FREQUENCY=1000 ./client_storm "$cycles" storm/p \
	"$programs/dlopen_plugin_a.so"
left=$(grep -e '^errors' -e '^left' -e '^strange' out | grep -v ' 0$')
check_equal "$cycles cycles of ProfilerStart leave nothing behind" \
	"$(grep -c . out) $left" "13 "
"$PSAMPLE" folded storm/p.* >shown 2>report
share=$(awk '/;f(;|[ ])/ { f += $NF } /;g(;|[ ])/ { g += $NF }
	END { printf "%.2f", 100 * f / (f + g) }' shown)
check "f and g have their shares of 3 : 1" within "$share" 60 88
diag "f:g $share; $(tr '\n' ' ' <out)"
finish
