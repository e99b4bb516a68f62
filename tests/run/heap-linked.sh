#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-linked.sh - allocators that a program is linked with, and musl.
#
# Breaks if one of them is not recognised, launched or running, or is counted
# twice or not at all.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 12
requires_ptrace
cd "$scratch" || exit 1
source=$top_srcdir/tests/programs/allocs.c
headers='-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu'

check_allocator() { # NAME
	"$PSAMPLE" -e alloc -i 256KiB -f folded -o folded -- \
		"./$1" sites 1000 >out 2>err </dev/null
	check_equal "a program with $1 ends well" $? 0 || diag_file err
	# 1000 x 376000 + 100 x 3 MiB, and what main and libc ask for
	check "$1 is counted once, to 0.1 percent" within \
		"$(sed -n 's/.*counted \([0-9]*\) bytes.*/\1/p' err)" \
		689900000 691300000
	start_target "./$1" loop 2
	"$PSAMPLE" -e alloc -i 16KiB -d 0.2 -f folded -o folded \
		-p "$target_pid" >out 2>err
	check "$1 is seen in one that runs" within \
		"$(folded_share folded churn any)" 30 99.9 || diag_file err
	kill -TERM "$target_pid"
	check "which ends well ($1)" wait_until 20 grep -q '^done' \
		"$target_out"
}

for one in 'cc jemalloc -ljemalloc' 'cc tcmalloc -ltcmalloc_minimal' \
	"musl-gcc musl $headers"; do
	# shellcheck disable=SC2086 # words
	set -- $one
	compiler=$1 name=$2
	shift 2
	if "$compiler" -O1 -g -D_GNU_SOURCE -o "$name" "$source" "$@" \
		-lpthread -ldl >cc.log 2>&1; then
		check_allocator "$name"
	else
		for _ in 1 2 3 4; do
			skip "$name" "needs $name to link with"
		done
	fi
done
finish
