#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-native.sh - allocations of a launched program through malloc.
#
# Breaks if totals are not what a preloaded counter sees in the same process,
# if shares or what is in use are not what the program does, or if a program
# is harmed: by signals, threads, children, a seccomp filter, the end of
# psample.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 49
requires_ptrace
cd "$scratch" || exit 1
allocs=$programs/allocs

counted() { # bytes, as the agent has counted them
	sed -n 's/.*counted \([0-9]*\) bytes.*/\1/p' err
}

folded() { # TYPE FILE
	"$PSAMPLE" report --folded --sample-index "$1" "$2" >folded 2>folded.err
}

# --- shares, totals, what is in use -------------------------------------
LD_PRELOAD=$programs/allocs_count.so ALLOCS_COUNT=$scratch/truth \
	"$PSAMPLE" -e alloc -i 64KiB -o sites.pb.gz -- "$allocs" sites 10000 \
	>out 2>err </dev/null
check_equal "the status is the program's" $? 0 || diag_file err
truth=$(sed -n 's/^allocs //p' truth)
check "the count is that of a preloaded counter, to 0.1 percent" within \
	"$(awk -v a="$(counted)" -v b="$truth" 'BEGIN { print a / b }')" \
	0.999 1.001
folded alloc_space sites.pb.gz
check "the estimate is the count, to 3 percent" within \
	"$(awk -v a="$(folded_total folded)" -v b="$truth" \
	'BEGIN { print a / b }')" 0.97 1.03
for site in small:4.63 array:14.48 cleared:11.58 grown:8.98 aligned:14.48 \
	large:45.55; do
	wanted=${site#*:}
	check "${site%:*} has its share, to a point" within \
		"$(awk -v a="$(folded_share folded "site_${site%:*}")" \
		-v b="$wanted" 'BEGIN { print a - b }')" -1 1
done
check "stacks reach main" within "$(folded_share folded main any)" 99 100
folded inuse_space sites.pb.gz
check "what is kept is in use, and no more" within \
	"$(folded_total folded)" 15000000 25000000
check "by who has kept it" within \
	"$(folded_share folded site_kept)" 95 100
"$PSAMPLE" -e heap -i 16KiB -f folded -o folded -- "$allocs" sites 5000 \
	>out 2>err </dev/null
check "in use comes first with -e heap, to 15 percent" within \
	"$(folded_total folded)" 8500000 11500000

# 10 MB that are two seconds old at the end, and 10 of the last moments: of
# either as many samples as the ring holds, so that none is lost. Where most
# are, as of "sites" on a busy machine, what is in use is anybody's guess.
mkfifo go
"$PSAMPLE" --leaks -i 32KiB -f folded -o folded -- "$allocs" ages go \
	>out 2>err </dev/null &
profiler=$!
wait_until 20 has_text out old
sleep 2 # they are to be old: time is what is tested
timeout 20 sh -c 'echo go >go'
wait $profiler
check "--leaks finds what is kept, without the youngest tenth" within \
	"$(folded_total folded)" 7500000 13000000 || diag_file err
check "and who has kept it" within "$(folded_share folded site_kept)" 75 100
"$PSAMPLE" --leaks -e cpu -- true >out 2>err </dev/null
check_equal "--leaks is for -e heap" $? 2

# --- without what is in use: free() is left alone ------------------------
LD_PRELOAD=$programs/allocs_count.so ALLOCS_COUNT=$scratch/truth \
	"$PSAMPLE" -e alloc --no-inuse -i 64KiB -o p.pb.gz -- \
	"$allocs" sites 10000 >out 2>err </dev/null
truth=$(sed -n 's/^allocs //p' truth)
check "--no-inuse counts as much, to 0.1 percent" within \
	"$(awk -v a="$(counted)" -v b="$truth" 'BEGIN { print a / b }')" \
	0.999 1.001
folded alloc_space p.pb.gz
check "by who has asked for it, also by realloc" within \
	"$(folded_share folded site_grown)" 8 10
check "and says nothing of what is in use" \
	[ "$(grep -c 'in use' err)" = 0 ] || diag_file err
folded inuse_space p.pb.gz
check "nor has the profile" grep -q inuse_space folded.err
"$PSAMPLE" -e heap --no-inuse -- true >out 2>err </dev/null
check_equal "what is in use is what -e heap is for" $? 2

# --- operator new in every form, and whose it is --------------------------
# To 3 points, 5 standard errors of so many samples. They must not come faster
# than they are taken, or those of a moment are lost together.
same_by_form() { # each form has made as many bytes as the others
	for form in new array nothrow array_nothrow aligned array_aligned \
		aligned_nothrow sized; do
		within "$(folded_share folded "by_$form")" 9.5 15.5 || return 1
	done
}

check_operators() { # ALLOCATOR: a library to preload, or none
	LD_PRELOAD=$1 "$PSAMPLE" -e alloc -i 2MiB -f folded -o folded -- \
		./new 400000 >out 2>err </dev/null
	check_equal "C++ under \"$1\" ends well" $? 0 || diag_file err
	check "bad_alloc is thrown through no frame of ours ($1)" \
		grep -q 'threw 4000' out || diag_file out
	check "operator new is seen in every form ($1)" same_by_form
	# 400,000 rounds, 8 forms, 64 to 4096 bytes, and what is thrown
	check "and counted, to 0.1 percent ($1)" within "$(counted)" \
		6652000000 6664000000
}

for allocator in '' libjemalloc.so.2 libtcmalloc_minimal.so.4; do
	reason=
	if ! c++ -std=gnu++17 -O1 -g -o new \
		"$top_srcdir/tests/programs/allocs_new.cc" >cc.log 2>&1; then
		reason="needs c++"
	elif LD_PRELOAD=$allocator true 2>&1 | grep -q preload; then
		reason="needs $allocator"
	fi
	if [ -z "$reason" ]; then
		check_operators "$allocator"
	else
		for _ in 1 2 3 4; do
			skip "C++ under \"$allocator\"" "$reason"
		done
	fi
done

# --- a library that comes later -----------------------------------------
"$PSAMPLE" -e alloc -f folded -o folded -i 64KiB -- "$allocs" plugin \
	"$programs/allocs_plugin.so" >out 2>err </dev/null
check_equal "a library that is loaded late does not disturb" $? 0
check "and is seen" within "$(folded_share folded plugin_allocate)" 90 100

# --- programs that must not be harmed -----------------------------------
for interval in 1 4096 512KiB; do
	"$PSAMPLE" -q -e alloc -i $interval -o storm.pb.gz -- \
		"$allocs" storm 50000 >out 2>err </dev/null
	check "threads, signals and children with -i $interval" \
		grep -q 'storm done' out || diag_file err
done
for way in 0 1; do
	"$PSAMPLE" -e alloc -i 4096 -f folded -o folded -- \
		"$allocs" filter $way >out 2>err </dev/null
	check "a filter that kills is respected ($way)" \
		grep -q 'filter done' out || diag_file err
	check "and all is seen ($way)" within \
		"$(folded_share folded site_array any)" 95 100
done
"$PSAMPLE" -q -e alloc -d 0.05 -o part.pb.gz -- "$allocs" storm 200000 \
	>out 2>err </dev/null
check "after -d the program goes on to its end" grep -q 'storm done' out

# Is the program that psample $1 has launched itself already?
has_begun() { # PID
	children=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	for child in $children; do
		case $(readlink "/proc/$child/exe") in
		*/allocs) return 0 ;;
		esac
	done
	return 1
}

# killed_after SECONDS: psample by SIGKILL, so long after the exec of the
# program, which must end well all the same
killed_after() {
	rm -f file
	"$PSAMPLE" -q -e alloc -i 16KiB -o killed.pb.gz -- \
		"$allocs" file "$scratch/file" 2>/dev/null &
	killed=$!
	wait_begun=0
	until has_begun $killed || [ -s file ]; do
		wait_begun=$((wait_begun + 1))
		[ $wait_begun -lt 20000 ] || break
	done
	sleep "$1"
	kill -KILL $killed
	wait $killed 2>/dev/null
	wait_until 30 has_text file "done"
}
moments=$(awk -v n="${KILLS:-15}" 'BEGIN {
	for (i = 0; i < n; i++)
		printf "%.4f ", 0.02 * i * i / (n * n)
}')
harmed=0
for seconds in $moments; do
	killed_after "$seconds" || harmed=$((harmed + 1))
done
check_equal "psample killed at any moment harms nobody" $harmed 0

# --- refused --------------------------------------------------------------
if cc -static -s -o static "$top_srcdir/tests/programs/allocs_plugin.c" \
	-Wl,--defsym=main=plugin_allocate >cc.log 2>&1; then
	"$PSAMPLE" -e alloc -- ./static >out 2>err </dev/null
	check_equal "a static program is refused" $? 125
	check "and why" grep -q 'it is static' err
else
	skip "a static program is refused" "cc makes no static programs"
	skip "and why" "cc makes no static programs"
fi
rm -f file
"$allocs" under 319 "$PSAMPLE" -e alloc -- "$allocs" file file \
	>out 2>err </dev/null # 319: memfd_create(2)
check "a program that a filter would kill is refused" \
	grep -q 'seccomp filter would kill' err || diag_file err
check "before it has begun" [ ! -e file ]
"$PSAMPLE" -e alloc -- sh -c "exec $allocs sites 1000" >out 2>err </dev/null
check "a program that becomes another one is followed" \
	grep -q ' 1 programs begun by exec' err || diag_file err
finish
