#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-static.sh - static programs: each libc and allocator, and kills.
#
# heap-static.sh [KILLS [SECONDS]]: totals of a program that counts itself,
# under glibc, musl, jemalloc and tcmalloc; 50 attaches to threads that get
# signals all the time; psample killed at a random moment KILLS (1000) times,
# half of them attached, half launching. The kills take SECONDS (600) at most.
. "${top_srcdir:-.}/tests/run/lib.sh"
kills=${1:-1000}
seconds=${2:-600}
plan 12
requires_ptrace
requires_program cc
cd "$scratch" || exit 1
source=$top_srcdir/tests/programs/allocs_static.c

counted_share() {
	awk -v a="$(sed -n 's/.*counted \([0-9]*\) bytes.*/\1/p' err)" \
		-v b="$(sed -n 's/^asked //p' out)" 'BEGIN { print a / b }'
}

counts() { # NAME COMPILER-AND-ARGUMENTS LIBRARY...
	name=$1 cc=$2
	shift 2
	# shellcheck disable=SC2086 # a compiler and its arguments
	if ! $cc -O2 -pthread -o "$name" "$source" "$@" 2>cc.log; then
		skip "$name counts what the program does" "cannot be linked"
		return
	fi
	"$PSAMPLE" -q -e alloc -i 64KiB -o x.pb.gz -- "./$name" calls 10 \
		>out 2>err </dev/null
	"$PSAMPLE" -e alloc -i 64KiB -o x.pb.gz -- "./$name" calls 300000 \
		>out 2>err </dev/null
	check "$name counts what the program does" within \
		"$(counted_share)" 0.9995 1.0005 || diag_file err
}

counts glibc 'cc -static'
counts glibc-pie 'cc -static-pie'
counts musl 'musl-gcc -static'
counts musl-pie 'musl-gcc -static-pie'
counts jemalloc 'cc -static' -l:libjemalloc.a -lm
counts tcmalloc 'c++ -x c -static' -x none -l:libtcmalloc_minimal.a
[ -x glibc ] || skip_all "needs a static C library for cc"

start_target ./glibc threads 3 100000
n_failed=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	for _ in 1 2 3 4 5; do
		timeout -s KILL 60 "$PSAMPLE" -q -e alloc -d 0.02 \
			-f folded -o folded -p "$target_pid" 2>err ||
			{ n_failed=$((n_failed + 1)) && diag_file err 2; }
	done
done
check_equal "each attach to threads with signals succeeds" $n_failed 0

# shellcheck disable=SC2317 # called by name
killed() { # attach|launch N PID|SEED PSAMPLE-ARGUMENT...
	way=$1 n=$2 number=$3
	shift 3
	"$programs/allocs_kill" "$way" "$n" $((seconds / 2)) 80000 "$number" \
		"$PSAMPLE" -q -e alloc -i 16KiB "$@" >"kills.$number"
}
check "psample killed at any moment harms no threads" killed attach \
	$((kills / 2)) "$target_pid" -d 0.03 -f folded -o x -p "$target_pid"
diag "$(cat "kills.$target_pid")"
timeout -s KILL 60 "$PSAMPLE" -q -e alloc -d 0.1 -f folded -o folded \
	-p "$target_pid" 2>err
check_equal "the last one finds its way" $? 0 || diag_file err
kill -TERM "$target_pid"
check "and the program ends well" wait_until 60 has_text "$target_out" asked

# Who waits in the stub for a psample that is dead does so for two seconds:
# six at once.
# shellcheck disable=SC2317 # called by name
launched_kills() {
	jobs=
	for i in 1 2 3 4 5 6; do
		killed launch $((kills / 12)) "$i" -o "killed.$i.pb.gz" -- \
			./glibc calls 2000 &
		jobs="$jobs $!"
	done
	n_bad=0
	for job in $jobs; do
		wait "$job" || n_bad=$((n_bad + 1))
	done
	return "$n_bad"
}
check "psample killed as it launches harms no program" launched_kills
cat kills.[1-6] >all
diag_file all

strip -o stripped glibc
"$PSAMPLE" -e alloc -o x.pb.gz -- ./stripped calls 10 >out 2>err </dev/null
check "one that is stripped is refused with the reason" \
	grep -q 'static and stripped' err
finish
