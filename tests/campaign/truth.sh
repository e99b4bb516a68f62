#!/bin/sh
# SPDX-License-Identifier: MIT
# truth.sh - the truth cases with the bounds that psample promises: shares
# within 3 points and totals within 2 % at 3,000 samples and more, as a table
# psample : truth : perf. About 15 minutes. CASES="sleep timer" selects.
#
# Where SCHED_FIFO is not to be had (one core, an ordinary user, short
# threads) the bounds are wider, or the summary says that shares are doubtful.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${CASES:=all}"
: "${SCALE:=1}"	# 1: 3,000 samples and more; less for a quick look
table=$scratch/table
requires_ptrace
alone

is_chosen() { # CASE
	case " $CASES " in
	*" all "* | *" $1 "*) return 0 ;;
	*) return 1 ;;
	esac
}

seconds_of() { # SECONDS: scaled
	awk -v s="$1" -v k="$SCALE" 'BEGIN { print s * k }'
}

# The same program under perf: "f:g:rest" of its samples.
perf_shares() { # MODE SECONDS HZ
	command -v perf >/dev/null || {
		echo -
		return
	}
	rm -f "$scratch/perf.data"	# of another user, maybe
	# shellcheck disable=SC2086 # words
	$truth_prefix perf record -q -e cpu-clock -F "$3" \
		-o "$scratch/perf.data" "$programs/truth" "$1" "$2" \
		>"$scratch/perf.out" 2>&1 </dev/null || {
		echo -
		return
	}
	perf report --force -i "$scratch/perf.data" --stdio -s sym 2>/dev/null |
		awk '/^ *[0-9.]+%/ {
			share = $1 + 0
			if ($NF == "f") f += share
			else if ($NF == "g") g += share
			else rest += share
		} END { printf "%.1f:%.1f:%.1f\n", f, g, rest }'
}

is_within_or_doubtful() { # POINTS MODE CALL-POINTS
	[ "$2" = doubtful ] && summary_is_doubtful "$truth_summary" && return
	truth_is_near "$1" "$3"
}

# LABEL MODE SECONDS HZ POINTS TOTAL-PERCENT strict|doubtful [CALL-POINTS]
truth_case() {
	is_chosen "$1" || {
		for what in shares total self-check samples; do
			skip "$1: $what" "not chosen"
		done
		return
	}
	truth_measure "$2" "$(seconds_of "$3")" "$4"
	truth_row "$1" >"$scratch/row"
	printf '%s  perf %s\n' "$(cat "$scratch/row")" \
		"$(perf_shares "$2" "$(seconds_of "$3")" "$4")" |
		tee -a "$table" | sed 's/^/# /'
	check "$1: shares within $5 points" \
		is_within_or_doubtful "$5" "$7" "${8:-3}" ||
		diag_file "$truth_summary"
	check "$1: total within $6 %" is_near "$got_total" 100 "$6"
	if [ "$7" = strict ]; then
		check "$1: samples x period within 10 % of the exact CPU" \
			within "$got_check" 0.9 1.1
	else
		skip "$1: self-check" "reported, not promised, here"
	fi
	check "$1: enough samples" within "$got_samples" \
		"$(seconds_of 2500)" 1e9
}

plan 72
truth_heading | tee "$table" | sed 's/^/# /'
mode=strict
has_realtime || mode=doubtful
truth_case one one 32 100 3 2 $mode
truth_case eight eight 18 100 3 2 $mode
truth_case eight-clock eight-clock 18 100 3 2 $mode
truth_case sleep sleep 75 200 3 2 $mode
truth_case eight-sleep eight-sleep 18 100 3 2 $mode
truth_case crowd crowd 32 100 3 2 $mode
truth_case timer timer 80 200 3 2 $mode
truth_case churn churn 18 100 5 5 doubtful

# A stop that is asked for in user code may come at the exit of a system call
# made meanwhile, which then has what it did not use: the time that a request
# takes to arrive, times the rate of calls. So these are awaited on their cores.
truth_case calls calls 32 100 4 2 doubtful
truth_case io io 40 100 4 2 doubtful 4

# The same with psample and target on one core.
truth_prefix="taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')"
truth_case one-core:one one 32 100 6 2 doubtful
truth_case one-core:sleep sleep 75 200 6 2 doubtful
truth_case one-core:timer timer 80 200 6 2 doubtful
truth_case one-core:eight-sleep eight-sleep 32 100 6 2 doubtful
truth_case one-core:io io 40 100 6 2 doubtful 4

# And as an ordinary user.
if [ "$(id -u)" = 0 ]; then
	chmod 777 "$scratch"
	truth_prefix="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi
truth_case user:sleep sleep 75 200 6 2 doubtful
truth_case user:eight-sleep eight-sleep 18 100 6 2 doubtful
truth_case user:timer timer 80 200 6 2 doubtful
echo
cat "$table"
finish
