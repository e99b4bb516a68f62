#!/bin/sh
# SPDX-License-Identifier: MIT
# roots.sh - whole distributions in containers, older and newer than this one:
# their programs are launched and attached to from outside, and have the names
# of their own files, whatever is at the same paths here.
#
#	ROOTS='DIR...' ./dev campaign roots
#
# A root is one that debootstrap has made, with gcc, libc6-dev, perl and
# python3 in it; without ROOTS, bullseye and sid are made so: 2 GB.
: "${ROOTS:=}" "${ROOTS_SUITES:=bullseye sid}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
. "$top_srcdir/tests/matrix/matrix.sh"
requires_root
requires_program unshare chroot
if [ -z "$ROOTS" ]; then
	requires_program debootstrap
	for suite in $ROOTS_SUITES; do
		debootstrap --variant=minbase \
			--include=gcc,libc6-dev,perl,python3 "$suite" \
			"$scratch/root-$suite" >"$scratch/debootstrap" 2>&1 ||
			skip_all "debootstrap makes no $suite here"
		ROOTS="$ROOTS $scratch/root-$suite"
	done
fi
# shellcheck disable=SC2086 # a list
set -- $ROOTS
plan $(($# * 8))
requires_ptrace

# shellcheck disable=SC2016 # to be expanded there
inside() { # ROOT COMMAND...: as process 1 of a container
	unshare -m -p -f sh -c 'mount -t proc proc "$1/proc" &&
		root=$1 && shift && exec chroot "$root" "$@"' sh "$@"
}

# Is the last process of the chain below $target_pid called NAME?
is_inside() { # NAME
	inner=$target_pid
	while next=$(pgrep -P "$inner"); do
		inner=$next
	done
	[ "$(cat "/proc/$inner/comm")" = "$1" ]
}

# Attached for two seconds; leaves $scratch/raw.
attach_inside() { # ROOT COMMAND...
	start_background inside "$@"
	wait_until 30 is_inside "$(basename "$2")"
	"$PSAMPLE" -F 997 -d 2 -o "$scratch/prof.gz" -p "$inner" \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	kill -KILL "$inner"
	stop_target
	"$PSAMPLE" raw "$scratch/prof.gz" >"$scratch/raw"
}

# Hold the fields of judge.awk.
# shellcheck disable=SC2046 # numbers
judge_plan() { # NAME
	set -- "$1" $(awk -v root="$any_root" -v link='run;[fg]' \
		-v calls=none -v any=0 -f "$matrix/judge.awk" "$work/marks" \
		"$scratch/raw")
	check "$1: stacks reach the root" within "$3" 95 100
	check "$1: functions have their names" within "$4" 95 100
	check "$1: and lines" within "$6" 95 100
}

# shellcheck disable=SC2046 # numbers
judge_program() { # NAME
	set -- "$1" $(awk -v hot=. -v unnamed="$scratch/unnamed" \
		-f "$matrix/judge_real.awk" "$scratch/raw")
	check "$1: stacks reach the root" within "$3" 95 100 ||
		diag_file "$scratch/err"
	diag "$1: $2 samples, root $3, named $4"
}

for root; do
	name=${root##*/}
	mkdir -p "$root/tmp"
	cp "$matrix/plan.c" "$matrix/plan.h" "$matrix/langs/plain.perl" \
		"$matrix/real.py" "$root/tmp"
	check "$name: a program is compiled there" chroot "$root" gcc -g -O2 \
		-D_GNU_SOURCE -o /tmp/plan /tmp/plan.c -lpthread
	"$PSAMPLE" -F 997 -o "$scratch/prof.gz" -- \
		chroot "$root" /tmp/plan 2 >"$scratch/out" 2>"$scratch/err"
	"$PSAMPLE" raw "$scratch/prof.gz" >"$scratch/raw"
	judge_plan "$name, launched in a chroot"
	attach_inside "$root" /tmp/plan 5
	judge_plan "$name, attached to in namespaces"
	attach_inside "$root" perl /tmp/plain.perl 5
	judge_program "$name: perl"
done
finish
