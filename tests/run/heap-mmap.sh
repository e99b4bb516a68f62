#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-mmap.sh - memory from mmap(2), by who has mapped it.
#
# Breaks if a call is not seen, what is unmapped in part, moved or mapped over
# is not followed, or what malloc watches is mixed up with it.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 23
requires_ptrace
cd "$scratch" || exit 1
allocs=$programs/allocs

folded() { # TYPE
	"$PSAMPLE" report --folded --sample-index "$1" p.pb.gz >folded
}

bytes_of() { # FUNCTION: in ./folded
	awk -v f=";$1" 'index($0, f) { n += $NF } END { print n + 0 }' folded
}

mib=1048576
"$PSAMPLE" --no-children -e mmap -o p.pb.gz -- "$allocs" maps 60 >out \
	2>err </dev/null
check_equal "the status is the program's" $? 0 || diag_file err
folded mapped_space
check_equal "what is mapped stays" "$(bytes_of map_kept)" $((60 * mib))
check_equal "until it is unmapped, in part" "$(bytes_of map_cut)" \
	$((60 * mib))
check_equal "or moved, also in vain" "$(bytes_of map_moved)" $((4 * mib))
check_equal "where only its pages are moved it stays" \
	"$(bytes_of map_left)" $((4 * mib))
check_equal "or mapped over" "$(bytes_of map_reserved)" $((6 * mib))
check_equal "or unmapped as a whole" "$(bytes_of map_churn)" 0
check_equal "or, what mprotect has opened, closed again" \
	"$(bytes_of map_opened)" $((9 * mib))
folded mapped_objects
check_equal "each is one object" "$(bytes_of map_kept)" 60
folded mmap_space
check_equal "what was mapped during the run is told" \
	"$(bytes_of map_churn)" $((60 * 65536))
check_equal "reservations are no memory" "$(bytes_of map_reserved)" \
	$((10 * mib))
check_equal "until mprotect opens them" "$(bytes_of map_opened)" \
	$((16 * mib))
check_equal "which is of no meaning elsewhere" "$(bytes_of map_flipped)" \
	$((3 * mib))
check "it is the count" grep -q 'estimate . count 1.000' err || diag_file err
check "and what the agent costs is told" grep -q 'each call took some' err

"$PSAMPLE" -q -e mmap -i 4096 -- true >out 2>err </dev/null
check_equal "-i is for malloc" $? 2

# What was reserved before the run is known, too.
mkfifo go knob
start_target "$allocs" arena go
"$PSAMPLE" -q -e mmap --control knob -f folded -o arena -p "$target_pid" \
	2>err &
profiler=$!
timeout 20 sh -c 'echo dump >knob'
wait_until 20 [ -e arena ]
timeout 20 sh -c 'echo go >go'
wait_until 20 has_text "$target_out" opened
kill -TERM $profiler
wait $profiler
mv arena folded
check_equal "a running program's reservation is opened" \
	"$(bytes_of run_arena)" $((5 * mib)) || diag_file err
stop_target

# A psample that dies leaves slots to the agent: those of malloc must not
# lead into a run of mmap, and not come to harm.
start_target "$allocs" loop 2
"$PSAMPLE" -q -e alloc -i 4KiB -o killed.pb.gz -p "$target_pid" 2>err &
killed=$!
wait_until 20 grep -q '/memfd:psample' "/proc/$killed/maps"
wait_until 20 grep -q '/memfd:psample' "/proc/$target_pid/maps"
kill -KILL $killed
wait $killed 2>/dev/null
"$PSAMPLE" -e mmap -d 0.2 -f folded -o folded -p "$target_pid" >out 2>err
check_equal "the next one watches mmap" $? 0 || diag_file err
check "not malloc" grep -q ' 0 objects' err || diag_file err
"$PSAMPLE" -e alloc -i 16KiB -d 0.3 -f folded -o folded -p "$target_pid" \
	>out 2>err
check_equal "and the one after it malloc" $? 0 || diag_file err
check "again" within "$(folded_share folded churn any)" 40 99.9
check "all of it" within \
	"$(sed -n 's/.*estimate . count \([0-9.]*\).*/\1/p' err)" 0.9 1.1
kill -TERM "$target_pid"
check "and the program ends well" wait_until 20 grep -q '^done' "$target_out"
finish
