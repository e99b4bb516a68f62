# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# figures.sh - what psample's summary says, and the truth cases. Sourced
# after lib.sh; the only place that knows how a summary line looks.

# --- the summary on stderr --------------------------------------------

summary_samples() { # FILE
	sed -n 's/^psample: \([0-9][0-9,]*\) samples.*/\1/p' "$1" |
		tr -d , | tail -n 1
}

# Samples x period over exact CPU; 1 is perfect.
summary_self_check() { # FILE
	sed -n 's/^psample: .*self-check[: ]*\([0-9][0-9.]*\).*/\1/p' "$1" |
		tail -n 1
}

summary_is_doubtful() { # FILE
	grep -q 'shares are doubtful' "$1"
}

# Percent of stacks that reached their root: from "...; 5 of 1200 stacks not
# to the root (truncated 5)".
summary_rooted() { # FILE
	awk '/^psample: .*not to the root/ {
		gsub(/,/, "")
		for (i = 4; i < NF; i++)
			if ($i ~ /^stacks?$/ && $(i + 1) == "not") {
				bad = $(i - 3)
				n = $(i - 1)
			}
	}
	END { printf "%.2f\n", n ? 100 - 100 * bad / n : 0 }' "$1"
}

summary_held_percent() { # FILE: of the time, the target was stopped
	sed -n 's/^psample: .*held [^(]*(\([0-9.]*\) *%).*/\1/p' "$1" |
		tail -n 1
}

summary_own_percent() { # FILE: of a core, psample took
	sed -n 's/^psample: .*psample \([0-9.]*\) *% of a core.*/\1/p' "$1" |
		tail -n 1
}

summary_stops() { # FILE
	sed -n 's/^psample: .*stops \([0-9][0-9,]*\).*/\1/p' "$1" |
		tr -d , | tail -n 1
}

# --- truth cases ------------------------------------------------------

truth_field() { # FILE KEY: "truth f 61.9" -> 61.9, "cpu_ns 12" -> 12
	awk -v key="$2" 'index($0, key " ") == 1 { print $NF }' "$1"
}

# Run truth MODE SECONDS under psample. PREFIX (in $truth_prefix) goes before
# the command line of psample: taskset, setpriv. Leaves $truth_folded,
# $truth_out, $truth_summary, and the figures $got_f ... in variables.
truth_prefix=
truth_measure() { # MODE SECONDS HZ
	truth_folded=$scratch/truth.folded
	truth_out=$scratch/truth.out
	truth_summary=$scratch/truth.summary
	rm -f "$truth_folded"
	# shellcheck disable=SC2086 # words on purpose
	$truth_prefix "$PSAMPLE" -F "$3" -f folded -o "$truth_folded" \
		-- "$programs/truth" "$1" "$2" \
		>"$truth_out" 2>"$truth_summary" </dev/null
	truth_status=$?
	[ -e "$truth_folded" ] || : >"$truth_folded"
	got_f=$(folded_share "$truth_folded" f any)
	got_g=$(folded_share "$truth_folded" g any)
	got_unsampled=$(folded_share "$truth_folded" '[unsampled]' any)
	got_call=$(awk -v f="$got_f" -v g="$got_g" -v u="$got_unsampled" \
		'BEGIN { printf "%.2f", 100 - f - g - u }')
	got_samples=$(summary_samples "$truth_summary")
	got_check=$(summary_self_check "$truth_summary")
	want_f=$(truth_field "$truth_out" 'truth f')
	want_g=$(truth_field "$truth_out" 'truth g')
	want_call=$(truth_field "$truth_out" 'truth call')
	want_ns=$(truth_field "$truth_out" cpu_ns)
	got_total=$(awk -v got="$(folded_total "$truth_folded")" \
		-v want="$want_ns" 'BEGIN {
			printf "%.2f", want ? 100 * got / want : 0 }')
}

# Is |GOT - WANTED| at most BOUND?
is_near() { # GOT WANTED BOUND
	within "$1" "$(awk -v x="$2" -v b="$3" 'BEGIN { print x - b }')" \
		"$(awk -v x="$2" -v b="$3" 'BEGIN { print x + b }')"
}

# The last measure's shares are within BOUND points of the truth, and the
# blocking call has at most CALL points more than its own.
truth_is_near() { # BOUND CALL
	is_near "$got_f" "$want_f" "$1" && is_near "$got_g" "$want_g" "$1" &&
		within "$got_call" -1 "$(awk -v x="$want_call" -v b="$2" \
			'BEGIN { print x + b }')"
}

truth_heading() {
	printf '%-22s %16s  %15s  %5s %6s %5s %6s\n' case "truth f:g:call" \
		"found f:g:call" unsmp total check n
}

truth_row() { # LABEL
	printf '%-22s %5.1f:%4.1f:%4.1f  %5.1f:%4.1f:%4.1f' "$1" "$want_f" \
		"$want_g" "$want_call" "$got_f" "$got_g" "$got_call"
	printf '  %5.1f %6.1f %5s %6s' "$got_unsampled" "$got_total" \
		"${got_check:--}" "${got_samples:--}"
	summary_is_doubtful "$truth_summary" && printf ' doubtful'
	printf '\n'
}

# --- the state of a target --------------------------------------------

tracer_of() { # PID
	sed -n 's/^TracerPid:[^0-9]*//p' "/proc/$1/status" 2>/dev/null
}

is_traced() { # PID
	case $(tracer_of "$1") in
	'' | 0) return 1 ;;
	*) return 0 ;;
	esac
}

is_untraced() { # PID: and no thread of it either
	! cat "/proc/$1"/task/*/status 2>/dev/null |
		grep -q '^TracerPid:[^0-9]*[1-9]'
}

cpu_ticks() { # PID: clock ticks of CPU used so far, all threads
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null |
		awk '{ print $12 + $13 }'
}

has_used_more() { # PID TICKS
	[ "$(cpu_ticks "$1")" -gt "$2" ]
}

makes_progress() { # PID: its CPU time moves on
	wait_until 10 has_used_more "$1" "$(cpu_ticks "$1")"
}

all_sleep() { # PID: no thread of it runs or is stopped
	case $(thread_states "$1") in
	*[!SIP]* | '') return 1 ;;
	*) return 0 ;;
	esac
}
