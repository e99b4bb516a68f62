#!/bin/sh
# SPDX-License-Identifier: MIT
# bounds.sh - many threads, mappings and modules, and processes that come and
# go: attached at once, watched for little, without growing.
#
# Breaks if attaching asks every thread after each seize, if the budget of
# looks keeps the one thread that runs from its turn, if something is done per
# mapping or module on each tick, or if processes that ended leave something
# behind. tests/campaign/bounds.sh is the same with ten times as much.
# BOUNDS_KINDS (threads mappings modules forks) says which.
: "${BOUNDS_THREADS:=1000}" "${BOUNDS_MAPPINGS:=8000}" "${BOUNDS_MODULES:=200}"
: "${BOUNDS_SECONDS:=3}" "${BOUNDS_ATTACH_MS:=500}" "${BOUNDS_OWN_PERCENT:=25}"
: "${BOUNDS_GROWTH_KB:=8192}" "${BOUNDS_RSS_KB:=131072}" "${BOUNDS_LATE:=25}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
: "${BOUNDS_KINDS:=threads mappings modules forks}"
n_tests=0
for kind in $BOUNDS_KINDS; do
	case $kind in
	threads) n_tests=$((n_tests + 7)) ;;
	mappings | modules) n_tests=$((n_tests + 6)) ;;
	*) n_tests=$((n_tests + 8)) ;;
	esac
done
plan $n_tests
requires_ptrace
alone
profile=$scratch/profile.pb.gz
if [ "${PSAMPLE_SANITIZED:-no}" = yes ]; then
	BOUNDS_ATTACH_MS=5000 BOUNDS_OWN_PERCENT=100 BOUNDS_RSS_KB=4194304
	BOUNDS_GROWTH_KB=4194304 BOUNDS_LATE=90
fi

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

rss_kb() { # PID
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status" \
		2>/dev/null
}

# Attach for no time: the time of attaching, letting go and writing. On a busy
# machine the best of three: what is slow by itself always is.
measure_attach() {
	for attach_try in 1 2 3; do
		attach_ms=$(now_ms)
		"$PSAMPLE" -q -d 0.01 -o "$profile" -p "$target_pid" 9>&- \
			>/dev/null 2>"$scratch/err" </dev/null
		attach_status=$?
		attach_ms=$(($(now_ms) - attach_ms))
		[ "$attach_ms" -gt "$BOUNDS_ATTACH_MS" ] || break
	done
}

# The memory of psample a third through the run, and the most after that.
watch_memory() { # PID SECONDS
	rss_early=0 rss_late=0 rss_rounds=0
	while rss_now=$(rss_kb "$1") && [ -n "$rss_now" ] &&
		[ "$rss_rounds" -lt $(($2 * 5 - 2)) ]; do
		[ "$rss_rounds" -gt $(($2 * 5 / 3)) ] ||
			rss_early=$rss_now
		[ "$rss_now" -lt "$rss_late" ] || rss_late=$rss_now
		rss_rounds=$((rss_rounds + 1))
		sleep 0.2
	done
	rss_growth=$((rss_late - rss_early))
}

measure() { # WHAT ARG...: a target, attached to
	what=$1
	shift
	start_target "$programs/bounds" "$@"
	measure_attach
	"$PSAMPLE" -d "$BOUNDS_SECONDS" -o "$profile" -p "$target_pid" 9>&- \
		>/dev/null 2>"$scratch/err" </dev/null &
	psample_pid=$!
	watch_memory "$psample_pid" "$BOUNDS_SECONDS"
	wait "$psample_pid"
	status=$?
	own=$(summary_own_percent "$scratch/err")
	late=$(tr -d , <"$scratch/err" |
		sed -n 's/^psample: lost: \([0-9]*\) of \([0-9]*\) .*/\1 \2/p' |
		awk '{ print 100 * $1 / $2 }')
	diag "$what: attach $attach_ms ms, psample $own % of a core," \
		"$rss_late KB (+$rss_growth), late $late %," \
		"$(wc -c <"$profile") bytes"
	sed -n 's/^psample: \(self-check\|lost\|cost\)/# \1/p' "$scratch/err"
	check_equal "$what: both runs end well" "$attach_status $status" "0 0"
	check "$what: attached and let go in time" within "$attach_ms" \
		0 "$BOUNDS_ATTACH_MS"
	check "$what: what psample takes is bounded" within "$own" \
		0 "$BOUNDS_OWN_PERCENT"
	check "$what: few ticks are late" within "$late" 0 "$BOUNDS_LATE"
	check "$what: memory is bounded and flat" \
		eval 'within "$rss_late" 1000 "$BOUNDS_RSS_KB" &&
		within "$rss_growth" 0 "$BOUNDS_GROWTH_KB"'
}

share() { # FUNCTION
	"$PSAMPLE" folded "$profile" >"$scratch/folded" 2>/dev/null
	folded_share "$scratch/folded" "$1" any
}

kind_threads() {
	measure "$BOUNDS_THREADS threads" threads "$BOUNDS_THREADS" 600
	check "the one thread that runs is seen, not only counted" \
		within "$(summary_self_check "$scratch/err")" 0.4 2
	check "and has the time" within "$(share hot)" 90 100
	stop_target
}

kind_mappings() {
	measure "$BOUNDS_MAPPINGS mappings" remap "$BOUNDS_MAPPINGS" 600
	check "the work among the mappings has its name" \
		within "$(share hot)" 95 100
	stop_target
}

kind_modules() {
	if [ ! -e "$programs/bounds_plugin.so" ]; then
		for n in 1 2 3 4 5 6; do
			skip "many modules: $n" "the plugins are not built"
		done
		return
	fi
	cp "$programs/bounds_plugin.so" "$scratch/plugin.so"
	measure "$BOUNDS_MODULES modules" modules "$BOUNDS_MODULES" 600 \
		"$scratch/plugin.so"
	share nothing >/dev/null
	# On a busy machine there may be fewer samples than modules.
	check "each module's function has its own name" within \
		"$(grep -o 'module_[0-9]*' "$scratch/folded" | sort -u |
			wc -l)" "$(summary_samples "$scratch/err" |
			awk '{ n = int($1 * 2 / 3)
				print n < 1 ? 1 : n > 50 ? 50 : n }')" 1000
	stop_target
}

kind_forks() {
	measure "a program that forks" forks 1 600
	check "stacks of short lives go to their root" within \
		"$(summary_rooted "$scratch/err")" 95 100
	check "children without a sample of their own are in the shares" \
		within "$(share '[unsampled]')" 0 10
	check "the profile holds each mapped file once" within \
		"$("$PSAMPLE" raw "$profile" 2>/dev/null |
			sed -n '/^Mappings/,$p' | grep -c '0x')" 2 12
	stop_target
}

for kind in $BOUNDS_KINDS; do
	"kind_$kind"
done
finish
