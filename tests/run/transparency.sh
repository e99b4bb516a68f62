#!/bin/sh
# SPDX-License-Identifier: MIT
# transparency.sh - 98 system calls give under psample what they give alone:
# result, errno, bytes, and how long they take. SECONDS_EACH (0.6) of each;
# tests/campaign goes on with $more: every mode, another user, one core, a busy
# machine, musl.
#
# What moves bytes in pieces may be cut short by a stop, as by any signal:
# those calls ($partial) are counted, and their data must be right all the
# same. Breaks if a call that a stop can interrupt is missing in
# arch/restart.c, or is repaired in a way that changes its result.
. "${top_srcdir:-.}/tests/run/lib.sh"
: "${SECONDS_EACH:=0.6}" "${MORE:=}" "${LATE_P50_US:=10000}"
partial='write_1MiB send_1MiB recv_waitall getrandom_1MiB urandom_1MiB
	copy_file_range'
plan $((9 + ${MORE_TESTS:-0}))
requires_ptrace
calls=$programs/calls

# Cases of FILE whose results differ from what they should be.
not_as_wanted() { # FILE
	awk -v partial="$partial" '
	BEGIN { n = split(partial, names); for (i = 1; i <= n; i++)
			is_partial[names[i]] = 1 }
	$2 == "calls" {
		n_cases++
		wrong = $3 - $5 - (is_partial[$1] ? $9 : 0)
		if (wrong || !$3)
			print
	}
	/killed by/ { print }
	$1 == "end" { is_over = $NF == 0 }
	END { if (!is_over || !n_cases) print "it did not end well" }' "$1"
}

# The middle one of the cases' median delays: single ones depend on what else
# runs here. Calls that do not wait are left out.
delay() { # FILE
	awk '$2 == "calls" && NF >= 17 && $3 < 400 { print $15 }' "$1" |
		sort -n | awk '{ us[NR] = $1 } END { print us[int(NR / 2)] }'
}

n_short() { # FILE: "name short/calls" for each partial case
	awk -v partial="$partial" '
	BEGIN { n = split(partial, names); for (i = 1; i <= n; i++)
			is_partial[names[i]] = 1 }
	is_partial[$1] { printf "%s %d/%d ", $1, $9, $3 }' "$1"
}

judge() { # NAME STATUS FILE
	check_equal "$1: the program ends well" "$2" 0 || diag_file "$3"
	check_equal "$1: every call gives what it should" \
		"$(not_as_wanted "$3")" ""
	check "$1: and is hardly later than alone" within "$(delay "$3")" \
		-5000 $((2 * native_delay + LATE_P50_US))
	diag "$1: short counts: $(n_short "$3")"
	grep '^psample:.*repaired' "$scratch/err" | sed 's/^/# /'
}

launched() { # NAME MODE HZ [CALLS-OPTION]: $prefix goes before psample
	# shellcheck disable=SC2086 # words
	timeout -s KILL 60 ${prefix:-} "$PSAMPLE" -e "$2" -F "$3" -f folded \
		-o "$profile" -- "$calls" "$SECONDS_EACH" ${4:-} \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	judge "$1" $? "$scratch/out"
}

children_of() { # PID
	cat "/proc/$1"/task/*/children 2>/dev/null
}

all_cases() { # as a list for -p
	children_of "$target_pid" | sed 's/ *$//; s/ /,/g'
}

attached() { # NAME MODE HZ [CALLS-OPTION]
	# shellcheck disable=SC2086 # words
	start_target ${prefix:-} "$calls" "${SECONDS_ATTACHED:-$SECONDS_EACH}" \
		${4:-}
	# shellcheck disable=SC2086 # words
	timeout -s KILL 60 ${prefix:-} "$PSAMPLE" -e "$2" -F "$3" -f folded \
		-o "$profile" -p "$(all_cases)" >"$scratch/err" 2>&1 </dev/null
	sampler_status=$?
	wait "$target_pid"
	judge "$1" $(($? + sampler_status)) "$target_out"
}

# Stops where they hurt: psample does not make them on its own.
nudged() { # --raw, or nothing
	start_target "$calls" "$SECONDS_EACH"
	pids=
	for case in $(children_of "$target_pid"); do
		pids="$pids $case"
	done
	# shellcheck disable=SC2086 # words
	"${programs%/*}/tools/nudge" $1 "$SECONDS_EACH" $pids \
		>"$scratch/err" 2>&1
	wait "$target_pid"
	sed 's/^/# /;q' "$scratch/err"
}

run_alone() { # PREFIX OF NAME: what this machine does by itself
	# shellcheck disable=SC2086 # words
	${prefix:-} "$calls" "$SECONDS_EACH" >"$scratch/native" 2>&1 </dev/null
	check_equal "${1}alone every call gives what it should" \
		"$(not_as_wanted "$scratch/native")" ""
	native_delay=$(delay "$scratch/native")
	diag "${1}alone calls are $native_delay us late"
	grep unavailable "$scratch/native" | sed 's/^/# /'
}

profile=$scratch/profile
: >"$scratch/err"
run_alone ""
launched "launched, cpu" cpu 1000
# Some more, as psample may take long to begin on a busy machine.
SECONDS_ATTACHED=${SECONDS_ATTACHED:-1}
attached "attached, wall, seccomp" wall 1000 --seccomp
nudged ""
check_equal "stopped where it waits, no call fails" \
	"$(not_as_wanted "$target_out")" ""
check "results were changed for that" within \
	"$(sed -n 's/.*repaired //p;q' "$scratch/err")" 20 1000000
# shellcheck disable=SC1090 # tests/campaign/transparency.sh
[ -z "$MORE" ] || . "$MORE"
finish
