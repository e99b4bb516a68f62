#!/bin/sh
# SPDX-License-Identifier: MIT
# inherit.sh - a launched program starts exactly as after a plain exec: mask,
# ignored signals, descriptors, limits, environment, umask, nice, scheduling.
#
# Breaks if psample leaks a descriptor, its signal mask, a raised limit, its
# priority, a variable of the environment, or takes the terminal's group.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 7
requires_ptrace
profile=$scratch/profile

# Each case is a function that sets the scene and executes its arguments.
plainly() {
	exec "$@"
}

with_signals() {
	trap '' USR1 PIPE TSTP CHLD
	exec env --block-signal=USR2,WINCH --ignore-signal=QUIT "$@"
}

# shellcheck disable=SC3045 # dash and others have them all
with_limits() {
	ulimit -n 200
	ulimit -s 4096
	ulimit -c 0
	umask 027
	exec nice -n 5 "$@"
}

with_descriptors() {
	exec 7</dev/null 5>>"$scratch/five" "$@"
}

without_standard_input() {
	exec "$@" <&-
}

without_standard_error() {
	exec "$@" 2>&-
}

in_batch_class() {
	exec chrt -b 0 "$@"
}

for scene in plainly with_signals with_limits with_descriptors \
	without_standard_input without_standard_error in_batch_class; do
	name="a program started $(echo $scene | tr _ ' ') sees no difference"
	if [ $scene = in_batch_class ] && ! chrt -b 0 true 2>/dev/null; then
		skip "$name" "needs chrt"
		continue
	fi
	rm -f "$profile"
	($scene "$programs/inherit" one 'two words' '') \
		>"$scratch/direct" 2>"$scratch/err" </dev/null
	($scene "$PSAMPLE" -q -f folded -o "$profile" -- \
		"$programs/inherit" one 'two words' '') \
		>"$scratch/sampled" 2>"$scratch/err" </dev/null
	check "$name" diff -u "$scratch/direct" "$scratch/sampled" ||
		diag_file "$scratch/err"
done
finish
