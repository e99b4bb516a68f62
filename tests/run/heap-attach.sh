#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-attach.sh - allocations of programs that run already, by pid.
#
# Breaks if an agent cannot be brought into a running program, does not see
# what it allocates, is not put back, adds up, or harms the program, also when
# psample is killed at any moment.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 32
requires_ptrace
cd "$scratch" || exit 1
allocs=$programs/allocs

start_loop() { # THREADS: sets target_pid
	start_target "$allocs" loop "$1"
}

# The agent's code, and what it shares: mappings of the target.
agents() {
	grep -c '/memfd:psample' "/proc/$target_pid/maps"
}

ends_well() { # it says so itself
	kill -TERM "$target_pid"
	wait_until 20 grep -q '^done' "$target_out"
}

# --- in and out, again and again ------------------------------------------
start_loop 4
"$PSAMPLE" -e alloc -i 16KiB -d 1 -f folded -o folded -p "$target_pid" \
	>out 2>err
check_equal "a running program is profiled" $? 0 || diag_file err
check "its threads are seen" within "$(folded_share folded churn any)" 40 99.9
check "and its main thread" within \
	"$(folded_share folded site_array any)" 0.1 60
check "stacks are whole" within "$(folded_match folded '^(_start|__clone)')" \
	99 100
check "the estimate is the count, to 10 percent" within \
	"$(sed -n 's/.*estimate . count \([0-9.]*\).*/\1/p' err)" 0.9 1.1
check "how long a thread was held is told" \
	grep -q 'one thread was held for' err
slots=$(sed -n 's/.* \([0-9]*\) slots lead.*/\1/p' err)
before=$(wc -l <"/proc/$target_pid/maps")
failed=0
for _ in $(seq "${CYCLES:-10}"); do
	"$PSAMPLE" -q -e heap -d 0.03 -f folded -o folded -p "$target_pid" \
		2>err || failed=$((failed + 1))
done
check_equal "so it is again and again" $failed 0 || diag_file err
check_equal "by the same agent" "$(agents)" 1
check "and no memory adds up" within \
	"$(wc -l <"/proc/$target_pid/maps")" $((before - 8)) $((before + 8))
"$PSAMPLE" -e alloc -i 16KiB -d 0.3 -f folded -o folded -p "$target_pid" \
	2>err
check_equal "the slots are those of the first time" \
	"$(sed -n 's/.* \([0-9]*\) slots lead.*/\1/p' err)" "$slots"
check "and names are, too" within "$(folded_share folded churn any)" 40 99.9

"$PSAMPLE" -q -e alloc -o other.pb.gz -p "$target_pid" 2>err.other &
other=$!
wait_until 20 grep -q '/memfd:psample' "/proc/$other/maps"
"$PSAMPLE" -q -e alloc -d 0.01 -o second.pb.gz -p "$target_pid" 2>err
check "a second psample at the same time is refused" \
	grep -q 'another psample profiles its heap already' err ||
	diag_file err
kill -TERM $other
wait $other
check_equal "the first one is not disturbed" $? 0 || diag_file err.other
check "the program ends well" ends_well

# --- psample is killed ----------------------------------------------------
start_loop 4
harmed=0
moments=$(awk -v n="${KILLS:-25}" 'BEGIN { srand(n)
	for (i = 0; i < n; i++)
		printf "%.4f ", 0.005 + rand() * (i % 5 ? 0.06 : 0.2) }')
for after in $moments; do
	"$PSAMPLE" -q -e alloc -i 4KiB -d "$(awk -v s="$after" \
		'BEGIN { print s / 2 + 0.001 }')" \
		-o killed.pb.gz -p "$target_pid" 2>/dev/null &
	killed=$!
	sleep "$after"
	kill -KILL $killed 2>/dev/null
	wait $killed 2>/dev/null
	is_alive "$target_pid" || harmed=$((harmed + 1))
done
check_equal "psample killed at any moment harms nobody" $harmed 0
"$PSAMPLE" -e alloc -i 16KiB -d 0.5 -f folded -o folded -p "$target_pid" \
	>out 2>err
check_equal "the next one finds all in order" $? 0 || diag_file err
check "and sees all" within "$(folded_share folded churn any)" 40 99.9
check_equal "by one agent still" "$(agents)" 1
check "and the program ends well" ends_well

# --- states of threads ----------------------------------------------------
start_target python3 -c 'import time, threading
print("ready", flush=True)
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
while True:
	time.sleep(0.01)
	x = ["a" * 1000 for i in range(1000)]'
"$PSAMPLE" -e alloc -i 16KiB -d 0.5 -f folded -o folded -p "$target_pid" \
	>out 2>err
check_equal "python3, asleep most of the time" $? 0 || diag_file err
check "is seen" within "$(folded_total folded)" 300000 200000000
stop_target

start_target perl -e '$| = 1; $SIG{USR1} = sub { print "got it\n" };
	print "ready\n"; use POSIX;
	sigsuspend(POSIX::SigSet->new) for 1 .. 2; print "done\n"; sleep 99'
"$PSAMPLE" -e alloc -d 0.1 -o none.pb.gz -p "$target_pid" >out 2>err
check_equal "who waits in sigsuspend(2) is left alone" $? 1
check "and why" grep -q 'must not be begun again' err || diag_file err
stop_target

# --- refused --------------------------------------------------------------
start_target "$programs/filtered" 319 # memfd_create(2)
"$PSAMPLE" -e alloc -d 0.1 -o none.pb.gz -p "$target_pid" >out 2>err
check "a seccomp filter is respected" grep -q -E \
	'(not permit memfd_create|seccomp filter, which cannot be read)' err ||
	diag_file err
check "and the program ends well all the same" ends_well

# Only the second thread can be borrowed; and nobody may copy stacks.
start_target "$programs/filtered" 319 - 310 strict
"$PSAMPLE" -e alloc -i 64KiB -d 0.2 -f folded -o folded -p "$target_pid" \
	>out 2>err
check_equal "threads have filters of their own" $? 0 || diag_file err
check "and are all seen" within "$(folded_share folded run_thread any)" 20 99.9
check "and none is harmed" ends_well

start_target "$programs/filtered" 219 219 # restart_syscall(2)
"$PSAMPLE" -e alloc -i 64KiB -d 0.2 -f folded -o folded -p "$target_pid" \
	>out 2>err || grep -q 'which cannot be read' err
check_equal "a filter that permits it lets the agent in" $? 0 || diag_file err
check "who may not restart a call begins it anew" ends_well

# --- an ordinary user -----------------------------------------------------
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 777 .
	start_target setpriv --reuid 65534 --clear-groups "$allocs" loop 2
	setpriv --reuid 65534 --clear-groups "$PSAMPLE" -e alloc -d 0.3 \
		-i 16KiB -f folded -o user.folded -p "$target_pid" 2>err
	check_equal "an ordinary user profiles his own" $? 0 || diag_file err
	check "and sees it" within \
		"$(folded_share user.folded churn any)" 40 99.9
	stop_target
else
	skip "an ordinary user profiles his own" "needs setpriv, and root"
	skip "and sees it" "needs setpriv, and root"
fi
finish
