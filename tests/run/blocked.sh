#!/bin/sh
# SPDX-License-Identifier: MIT
# blocked.sh - 1,000 blocked threads and a busy one, wall mode at 100 Hz:
# nobody blocked is stopped, looking costs little, all time is accounted, and
# who wakes for 200 ms is seen; in cpu mode among 200 processes.
# SECONDS_EACH (8); tests/campaign takes 30 and 3 % of a core (OWN_PERCENT).
#
# Breaks if sleepers are stopped (their switch counts move), if every thread
# is looked at on every tick (5 % of a core and more), if a thread that was
# backed off is not charged when it wakes, or if backing off loses wall time,
# or if nobody is looked for when more runs than is known.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${SECONDS_EACH:=8}" "${OWN_PERCENT:=6}" "${N_BLOCKED:=1000}"
plan 14
requires_ptrace
alone
profile=$scratch/profile

"$PSAMPLE" -e wall -F 100 --by-thread -f folded -o "$profile" -- \
	"$programs/blocked" "$SECONDS_EACH" "$N_BLOCKED" \
	>"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "launched: the run ends well" $? 0
sed -n 's/^psample: /# /p' "$scratch/err"
check_equal "launched: no blocked thread was ever stopped" \
	"$(truth_field "$scratch/out" moved)" 0
# 200 ms of CPU, which take longer on a machine with other work: then the
# thread waits for a core, mostly in the clock call that ends its time slice.
# One that slept for seconds is looked at once a second: that somebody unknown
# runs is told by the process clock, and then all are looked at.
late_ms=$(awk '$1 == "late_wall_ns" { printf "%d", $2 / 1e6 }' "$scratch/out")
due_ms=$(awk '$1 == "late_due_ns" { printf "%d", $2 / 1e6 }' "$scratch/out")
check "a thread that wakes late is charged its 200 ms" within \
	"$(awk '/late/ && /;burn_ms;/ { n += $NF }
		END { print n / 1e6 }' "$profile")" \
	$((late_ms - late_ms / 10 - 60)) $((due_ms + due_ms / 10 + 60))
busy_s=$(awk '/^thread busy/ { print $3 / 1e9 }' "$scratch/out") # its life
check "the busy thread is seen busy" within "$(awk '/busy_burn/ {
	n += $NF } END { print n / 1e9 }' "$profile")" \
	"$(awk -v s="$busy_s" 'BEGIN { print s * .9 }')" \
	"$(awk -v s="$busy_s" 'BEGIN { print s * 1.05 }')"

# The first frame names the thread: "b17", "b17 (4711)", "b17/4711".
# Prints the threads whose wall time is off by more than 1 % (or one period).
wrong_threads() {
	awk 'FILENAME == ARGV[1] {
		if ($1 == "thread")
			existed[$2] = $3
		next
	}
	{
		name = $0
		sub(/;.*/, "", name)
		sub(/[^A-Za-z0-9_].*/, "", name)
		wall[name] += $NF
	}
	END {
		for (t in existed) {
			off = wall[t] - existed[t]
			if (off < 0)
				off = -off
			if (off > existed[t] / 100 && off > 2e7)
				print t, wall[t], existed[t]
		}
	}' "$scratch/out" "$profile"
}
wrong_threads >"$scratch/wrong"
# A thread that got no core to name itself counts under another name first.
check "the wall time of every thread is its life, within 1 %" within \
	"$(wc -l <"$scratch/wrong")" 0 "${WRONG_MAX:-5}" ||
	diag_file "$scratch/wrong" 5
check_equal "every blocked thread is in the profile" \
	"$(sed 's/[^A-Za-z0-9].*//' "$profile" | grep '^b[0-9]' | sort -u |
		wc -l)" "$N_BLOCKED"

# What a thread did when its stack was not yet known must not stand for it.
check "their time is in the call that they sleep in" within \
	"$(awk '/^b[0-9]/ { all += $NF
		if (/(syscall|read|nanosleep)[^;]* [0-9]+$/) in_it += $NF }
		END { print 100 * in_it / all }' "$profile")" 99 100

seen_burst() { # THREAD: of its 200 ms of CPU, some have a stack
	within "$(awk -v name="$1" '/;burn_ms;/ && index($0, name) == 1 {
		n += $NF } END { print n / 1e6 }' "$profile")" 20 10000
}

# Attached: here the shell's own count tells what psample used.
children_cpu() { # seconds of CPU of all children so far
	times >"$scratch/times"	# a pipe would count for another shell
	awk 'NR == 2 { gsub(/[ms]/, " "); print $1 * 60 + $2 + $3 * 60 + $4 }' \
		"$scratch/times"
}
start_target "$programs/blocked" $((SECONDS_EACH + 4)) "$N_BLOCKED" 3
before=$(cat /proc/uptime)
children_cpu >"$scratch/cpu.before"
"$PSAMPLE" -e wall -F 100 -d "$SECONDS_EACH" --by-thread -f folded \
	-o "$profile" -p "$target_pid" 2>"$scratch/err" </dev/null
check_equal "attached: status 0" $? 0
children_cpu >"$scratch/cpu.after"
own=$(awk -v a="$(cat "$scratch/cpu.before")" \
	-v b="$(cat "$scratch/cpu.after")" -v u="${before%% *}" \
	-v v="$(sed 's/ .*//' /proc/uptime)" \
	'BEGIN { printf "%.2f", 100 * (b - a) / (v - u) }')
diag "psample used $own % of a core"
sed -n 's/^psample: .*cost/# cost/p' "$scratch/err"
check "attached: psample takes at most $OWN_PERCENT % of a core" \
	within "$own" 0 "$OWN_PERCENT"
check "attached: who wakes late is seen" seen_burst late1
wait "$target_pid"
check_equal "attached: no blocked thread was ever stopped" \
	"$(truth_field "$target_out" moved)" 0
check "attached: the target ended by itself" \
	[ -n "$(truth_field "$target_out" cpu_ns)" ]

"$PSAMPLE" -e cpu -F 100 --by-thread -f folded -o "$profile" -- \
	"$programs/blocked" 5 200 1 processes \
	>"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "processes: the run ends well" $? 0
check "processes: who wakes late is seen" seen_burst late
finish
