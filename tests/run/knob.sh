#!/bin/sh
# SPDX-License-Identifier: MIT
# knob.sh - the run is steered from outside: --control, SIGUSR1, SIGUSR2.
#
# Breaks if a profile written in the middle of a run lacks the second that is
# not over yet (its samples then have no weight), if time spent paused is
# charged to anybody, or if a word or a signal is lost.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 13
requires_ptrace
profile=$scratch/profile
fifo=$scratch/fifo

start_sampler() { # OPTION...
	rm -f "$profile"
	"$PSAMPLE" -F 250 -f folded -o "$profile" "$@" -p "$target_pid" \
		>"$scratch/out" 2>"$scratch/err" </dev/null 9>&- &
	sampler=$!
	wait_until 10 is_traced "$target_pid"
}

stop_sampler() {
	kill -TERM "$sampler" # INT is ignored in the background of sh
	wait "$sampler"
}

# CPU of the target in milliseconds, as the kernel's ticks tell.
cpu_ms() {
	awk -v t="$(cpu_ticks "$target_pid")" -v hz="$(getconf CLK_TCK)" \
		'BEGIN { printf "%d", 1000 * t / hz }'
}

profile_ms() {
	awk '{ t += $NF } END { printf "%d", t / 1e6 }' "$profile"
}

has_profile() {
	[ -s "$profile" ]
}

# Between what was used before and after, within 60 ms and 10 %.
is_between() { # MS MS
	within "$(profile_ms)" $(($1 - $1 / 10 - 60)) $(($2 + $2 / 10 + 60))
}

start_target "$programs/truth" one 600
start_sampler
from=$(cpu_ms)
sleep 0.6
low=$(($(cpu_ms) - from))
kill -USR1 "$sampler"
check "SIGUSR1 writes the profile" wait_until 5 has_profile
check "all CPU time up to now is in it" is_between $low $(($(cpu_ms) - from))
check "the current second is not [unsampled]" within \
	"$(folded_share "$profile" '[unsampled]')" 0 5
check "the target is still watched" is_traced "$target_pid"
kill -USR2 "$sampler"
check "SIGUSR2 pauses" wait_until 5 has_text "$scratch/err" paused
before_pause=$(cpu_ms)
sleep 1
paused=$(($(cpu_ms) - before_pause))
kill -USR2 "$sampler"
check "SIGUSR2 again goes on" wait_until 5 has_text "$scratch/err" sampling
sleep 0.5
low=$(($(cpu_ms) - from - paused))
stop_sampler
check_equal "and the run ends well" $? 0
check "what ran in the pause is not in the profile" \
	is_between $low $(($(cpu_ms) - from - paused))

start_sampler --control "$fifo" -D 100s
check "--control makes the FIFO" [ -p "$fifo" ]
echo start >"$fifo"
check "start starts" wait_until 5 has_text "$scratch/err" sampling
from=$(cpu_ms)
sleep 0.5
low=$(($(cpu_ms) - from))
echo dump >"$fifo"
check "dump writes the profile" wait_until 5 has_profile
check "with what ran since start" is_between $low \
	$(($(cpu_ms) - from))
stop_sampler
check "the FIFO is gone in the end" [ ! -e "$fifo" ]
finish
