#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-static.sh - static programs: each libc and allocator, and kills.
#
# heap-static.sh [KILLS [SECONDS [FOLDER]]]: totals of a program that counts
# itself, under glibc, musl, jemalloc and tcmalloc; 50 attaches to threads that
# get signals all the time; psample killed at a random moment KILLS (1000)
# times, half of them attached, half launching. The kills take SECONDS (600) at
# most.
# In FOLDER are real programs, static and not stripped, which count as well:
# redis-server (make MALLOC=libc CFLAGS=-static LDFLAGS=-static redis-server),
# sqlite3 (cc -static shell.c sqlite3.c) and busybox (CONFIG_STATIC=y: it is
# named busybox_unstripped).
. "${top_srcdir:-.}/tests/run/lib.sh"
kills=${1:-1000}
seconds=${2:-600}
folder=${3:-}
plan 18
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
	# shellcheck disable=SC2086 # a list of numbers
	wait_all $jobs
}
check "psample killed as it launches harms no program" launched_kills
cat kills.[1-6] >all
diag_file all

# --- real programs ----------------------------------------------------------

has_real() { # PROGRAM ROW...: else these are skipped
	real=$folder/$1
	[ ! -x "$real" ] || return 0
	shift
	for row in "$@"; do
		skip "$row" "no such program in the FOLDER of the arguments"
	done
	return 1
}

redis() {
	redis-cli -p 7392 "$@"
}

redis_bytes() { # what it has by its own count, with what malloc rounds up
	redis info memory | tr -d '\r' | sed -n 's/^used_memory://p'
}

in_use() { # PROFILE: bytes
	"$PSAMPLE" report --folded --sample-index inuse_space "$1" >folded &&
		folded_total folded
}

ratio() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'
}

if has_real redis-server "redis says as much of what it keeps" \
	"redis goes on"; then
	start_background "$real" --port 7392 --bind 127.0.0.1 --save '' \
		--dir "$scratch"
	wait_until 20 redis ping >/dev/null
	before=$(redis_bytes)
	"$PSAMPLE" -e heap -i 16KiB --control knob -o redis.pb.gz \
		-p "$target_pid" 2>err </dev/null &
	job=$!
	wait_until 20 [ -p knob ]
	echo dump begin.pb.gz >knob
	wait_until 20 grep -q 'wrote begin' err
	redis-benchmark -p 7392 -q -n 40000 -r 1000000 -d 100 \
		-t set,lpush,hset >/dev/null
	after=$(redis_bytes)
	echo end >knob
	wait "$job"
	share=$(ratio "$(in_use redis.pb.gz)" $((after - before)))
	diag "redis: $((after - before)) bytes, seen $share of it"
	check "redis says as much of what it keeps" within "$share" 0.90 1.07 ||
		diag_file err
	check_equal "redis goes on" "$(redis ping)" PONG
	stop_target
fi

if has_real sqlite3 "sqlite says as much of what it keeps"; then
	mkfifo in
	"$PSAMPLE" -e heap -i 4KiB -o 'sqlite.%s.pb.gz' -- "$real" :memory: \
		<in >out 2>err &
	job=$!
	cat >all <<-'END'
	create table t(a integer primary key, b text);
	create index i on t(b);
	with recursive c(x) as
		(select 1 union all select x + 1 from c where x < 200000)
		insert into t select x, hex(randomblob(20)) from c;
	.stats on
	select 1;
	.print ready
	END
	exec 8>in
	cat all >&8
	wait_until 60 grep -q ready out
	kill -USR1 "$job"
	wait_until 20 grep -q wrote err
	exec 8>&-
	wait "$job"
	used=$(sed -n 's/^Memory Used:  *\([0-9]*\).*/\1/p' out)
	share=$(ratio "$(in_use sqlite.001.pb.gz)" "$used")
	diag "sqlite: $used bytes, seen $share of it"
	check "sqlite says as much of what it keeps" \
		within "$share" 0.95 1.05 || diag_file err
fi

if has_real busybox_unstripped "what busybox allocates is counted" \
	"its stacks reach main" "and its time has names"; then
	loop='BEGIN { while (i < 300000) a[i] = i++ "x"; for (k in a) n++ }'
	"$PSAMPLE" -e alloc -i 16KiB -o busybox.pb.gz -- "$real" awk "$loop" \
		2>err
	check "what busybox allocates is counted" within \
		"$(sed -n 's|.*estimate / count \([0-9.]*\)).*|\1|p' err)" \
		0.97 1.03 || diag_file err
	"$PSAMPLE" report --folded --sample-index alloc_space busybox.pb.gz \
		>folded
	check "its stacks reach main" within \
		"$(folded_share folded main any)" 99 100
	"$PSAMPLE" -q -F 1000 -f folded -o folded -- "$real" awk "$loop"
	check "and its time has names" within \
		"$(folded_share folded awk_main any)" 95 100
fi

strip -o stripped glibc
"$PSAMPLE" -e alloc -o x.pb.gz -- ./stripped calls 10 >out 2>err </dev/null
check "one that is stripped is refused with the reason" \
	grep -q 'static and stripped' err
finish
