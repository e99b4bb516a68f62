#!/bin/sh
# SPDX-License-Identifier: MIT
# faults.sh - when an allocation, a system call or a write of psample fails,
# or it is killed while it writes, the target goes on, there is no torn file
# under the name of the profile, and psample says what was wrong.
#
# FAULTS="KIND FROM TO STEP" runs one kind (alloc, call, output, kill) with
# these numbers (TO = 0: up to the end), as tests/campaign/faults.sh does.
. "${top_srcdir:-.}/tests/run/lib.sh"
faults=${FAULTS:-}
[ -n "$faults" ] || plan 7
requires_ptrace
nth=$programs/fault_nth
cd "$scratch" || exit 1

start_target "$programs/truth" one 100000
spinner=$target_pid
cat >brief <<'SH'
echo begun >>"$1"
i=0
while [ $i -lt 20000 ]; do i=$((i + 1)); done
echo ended >>"$1"
SH
echo old | gzip >old.gz

has_state() { # PID: does it run, and is nobody's tracee?
	awk '/^State:/ && $2 ~ /[tTZ]/ { bad = 1 }
	/^TracerPid:/ && $2 { bad = 1 }
	END { exit bad || !NR }' "/proc/$1/status" 2>/dev/null
}

await() { # COMMAND...: within 3 s
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.01
	done
}

is_over() {
	! grep -q begun life || grep -q ended life
}

# Attached to the spinner when N is odd, else with a program of its own.
run_fault() { # KIND N
	cp old.gz out.pb.gz
	: >life
	set -- "$1" "$2" "$PSAMPLE" -q -F 99 -o out.pb.gz
	if [ $(($2 % 2)) = 1 ]; then
		set -- "$@" -d 0.1 -p "$spinner"
	else
		set -- "$@" -- sh brief life
	fi
	kind=$1 n=$2
	shift 2
	case $kind in
	alloc)	set -- env FAULT_ALLOC="$n" FAULT_COUNT=count \
			LD_PRELOAD="$programs/fault_alloc.so" "$@" ;;
	call)	set -- "$nth" -c count "$n" "$@" ;;
	output)	set -- "$nth" -o -c count "$n" "$@" ;;
	kill)	set -- "$nth" -k -o -c count "$n" "$@" ;;
	esac
	timeout -s KILL 20 "$@"
}

complain() { # TEXT
	diag "$kind $n: $1 (status $status, $(cat count 2>/dev/null))"
	diag_file err 3
	n_bad=$((n_bad + 1))
}

# 0 failures, 137 when it is killed, and 1, 125 or 127 (ld.so) otherwise.
# libdw (0.188) does not survive that its own calls fail: for names it is a
# child that crashes, and the profile is written.
inspect() {
	case $kind,$status in
	*,0 | *,1 | *,125 | *,127 | kill,137) ;;
	*)	complain "psample ends as it should not" ;;
	esac
	[ "$kind" != alloc ] || [ "$status" = 0 ] ||
		! grep -q '^of .*/libdw' count || complain "a lost profile"
	gzip -t out.pb.gz 2>/dev/null || complain "a torn file"
	[ $status != 0 ] || ! cmp -s old.gz out.pb.gz ||
		complain "status 0 and no profile"
	[ $status = 0 ] || [ $status = 137 ] || [ -s err ] ||
		complain "not a word about it"
	await has_state "$spinner" || complain "the target stands"
	await is_over || complain "the launched program stands"
}

one_fault() { # KIND N
	rm -f count
	run_fault "$1" "$2" >out 2>err </dev/null
	status=$?
	inspect
	n_run=$((n_run + 1))
	n_told=$((n_told + (status != 0)))
}

# The number of calls in a run without a fault.
count_calls() { # KIND
	rm -f count
	run_fault "$1" 999999999 >out 2>err </dev/null
	awk '{ print $1 }' count
}

faults_of() { # KIND FROM TO STEP
	n_bad=0 n_run=0 n_told=0
	last=$3
	[ "$last" != 0 ] || last=$(count_calls "$1")
	number=$2
	while [ "$number" -le "$last" ]; do
		one_fault "$1" "$number"
		number=$((number + $4))
	done
	echo "# $1 $2..$last step $4: $n_run runs, $n_told ended with an" \
		"error, $n_bad bad"
	[ $n_bad = 0 ]
}

if [ -n "$faults" ]; then
	# shellcheck disable=SC2086 # four words
	faults_of $faults
	exit
fi

report_faults() { # NAME KIND FROM TO STEP
	name=$1
	shift
	if faults_of "$@"; then ok "$name"; else not_ok "$name"; fi
}

report_faults "an allocation that fails ends psample with a word" \
	alloc 7 300 97
report_faults "a system call that fails harms no target" call 101 650 183
report_faults "a write that fails leaves no torn file" output 140 175 11
report_faults "psample that is killed while it writes leaves none" \
	kill 141 175 11

full_disk() {
	mkdir small && mount -t tmpfs -o size=4k small small || return
	cp old.gz small/out.pb.gz
	dd if=/dev/zero of=small/rest bs=1k count=64 2>/dev/null
	"$PSAMPLE" -q -d 0.1 -o small/out.pb.gz -p "$spinner" 2>err
	status=$?
	cmp old.gz small/out.pb.gz
	kept=$?
	left=$(find small -name '.psample*')
	umount small
	[ "$status" = 1 ] && [ "$kept" = 0 ] && [ -z "$left" ] &&
		grep -q 'No space left' err
}
if [ "$(id -u)" = 0 ] && mkdir probe && mount -t tmpfs probe probe 2>err; then
	umount probe
	check "a full disk is told, and the old file kept" full_disk
else
	skip "a full disk is told, and the old file kept" \
		"mounting a tmpfs is not permitted here"
fi

"$PSAMPLE" -q -d 0.1 -o - -f text -p "$spinner" 2>err >/dev/full
check_equal "a device without room is an error" $? 1
{
	"$PSAMPLE" -q -d 0.1 -o - -f text -p "$spinner" 2>err
	echo $? >status
} | true
check "a reader that has gone is one, too" grep -q '^1$' status
finish
