#!/bin/sh
# SPDX-License-Identifier: MIT
# truth.sh - shares and totals are true for programs whose truth is known:
# the short form (about 400 samples, 8 points) of tests/campaign/truth.sh.
#
# Breaks if the sampler charges whatever runs when it comes to look (the
# sleeping cases then give the call most of the time), if weights are not
# scaled to exact CPU time (totals), or if births and deaths are lost (churn).
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 26
requires_ptrace
alone

# Measure until COMMAND finds it good, at most three times, then twice as long
# as at first: what is noise of the machine shrinks, what is wrong stays.
measure_until() { # LABEL MODE SECONDS HZ COMMAND...
	case_label=$1 case_mode=$2 case_seconds=$3 case_hz=$4
	shift 4
	for factor in 1 2 2; do
		truth_measure "$case_mode" $((case_seconds * factor)) \
			"$case_hz"
		diag "$(truth_row "$case_label")"
		"$@" >/dev/null && return
	done
}

# A case of its own for each mode: shares, and the total.
truth_case() { # MODE SECONDS HZ POINTS
	measure_until "$1" "$1" "$2" "$3" truth_is_near "$4" "$4"
	check "$1: shares are within $4 points of the truth" \
		truth_is_near "$4" "$4" || diag_file "$truth_summary"
	check "$1: the total is the exact CPU time, within 5 %" \
		within "$got_total" 95 105
}

# Where the core may be denied, being wrong is allowed but not in silence.
is_near_or_says_so() { # POINTS
	summary_is_doubtful "$truth_summary" || truth_is_near "$1" "$1"
}

honest_case() { # LABEL MODE SECONDS HZ POINTS
	measure_until "$1" "$2" "$3" "$4" is_near_or_says_so "$5"
	check "$1: shares are within $5 points, or said to be doubtful" \
		is_near_or_says_so "$5" || diag_file "$truth_summary"
	check "$1: the total is the exact CPU time, within 5 %" \
		within "$got_total" 95 105
}

truth_heading | sed 's/^/# /'
truth_case one 2 250 8
truth_case eight 2 250 8
truth_case eight-clock 2 250 8
if has_realtime; then
	truth_case sleep 4 500 8
	truth_case eight-sleep 2 250 8
	truth_case timer 4 500 8
	self_check=$got_check
	check "timer: samples x period is within 25 % of the exact CPU" \
		within "$self_check" 0.75 1.25
else
	honest_case sleep sleep 4 500 8
	honest_case eight-sleep eight-sleep 2 250 8
	honest_case timer timer 4 500 8
	skip "timer: samples x period is within 25 % of the exact CPU" \
		"SCHED_FIFO is not permitted here"
fi
truth_case churn 2 250 10

# Of whom it passes over psample must know that they are on no core. Who sleeps
# in between was passed over behind each sleep: self-check 0.87.
has_its_samples() {
	within "$got_check" 0.93 1.07
}
measure_until crowd crowd 8 100 has_its_samples
check "crowd: shares are within 8 points of the truth" \
	truth_is_near 8 8 || diag_file "$truth_summary"
check "crowd: samples x period is within 7 % of the exact CPU" \
	has_its_samples || diag_file "$truth_summary"

if command -v taskset >/dev/null; then
	truth_prefix="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')"
	honest_case "sleep, one core" sleep 4 500 8
	# The first second is that in which the calls are found out.
	if has_realtime; then
		measure_until "io, one core" io 8 250 truth_is_near 8 8
		check "io, one core: shares are within 8 points of the truth" \
			truth_is_near 8 8 || diag_file "$truth_summary"
	else
		skip "io, one core: shares" "SCHED_FIFO is not permitted here"
	fi
else
	skip "sleep, one core: shares" "needs taskset"
	skip "sleep, one core: total" "needs taskset"
	skip "io, one core: shares" "needs taskset"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 777 "$scratch"
	truth_prefix="setpriv --reuid 65534 --regid 65534 --clear-groups"
	honest_case "sleep, ordinary user" sleep 4 500 8
else
	skip "sleep, ordinary user: shares" "this user is one already"
	skip "sleep, ordinary user: total" "this user is one already"
fi

# Attached: what happens before and after does not count.
truth_prefix=
start_target "$programs/truth" one 600
before=$(cpu_ticks "$target_pid")
"$PSAMPLE" -F 250 -d 2 -f folded -o "$scratch/attached" -p "$target_pid" \
	2>"$scratch/summary"
status=$?
used=$(($(cpu_ticks "$target_pid") - before))
check_equal "an attach of 2 s ends with status 0" $status 0
check "attached: f has its share" \
	within "$(folded_share "$scratch/attached" f any)" 52 68
check "attached: g has its share" \
	within "$(folded_share "$scratch/attached" g any)" 32 48
used_ms=$(awk -v t="$used" -v hz="$(getconf CLK_TCK)" \
	'BEGIN { printf "%d", 1000 * t / hz }')
check "attached: the total is what was used meanwhile" \
	within "$(($(folded_total "$scratch/attached") / 1000000))" \
	$((used_ms - used_ms / 10 - 200)) $((used_ms + 30))
finish
