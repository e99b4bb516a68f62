#!/bin/sh
# SPDX-License-Identifier: MIT
# transparency.sh - tests/run/transparency.sh in every mode, under seccomp, as
# an ordinary user, on one core, at nice 19 on a busy machine, of a program
# linked with musl, and of one built with frame pointers. SECONDS_EACH=4: about
# two minutes; PARTS names some of them.
#
# psample and the calls share two cores with 98 processes: medians may be
# 5 ms later than alone, and where there is one core 20 ms.
if [ -z "${MORE:-}" ]; then
	top_srcdir=${top_srcdir:-.}
	SECONDS_EACH=${SECONDS_EACH:-4} LATE_P50_US=5000
	SECONDS_ATTACHED=$SECONDS_EACH
	MORE=$top_srcdir/tests/campaign/transparency.sh
	: "${PARTS:=modes seccomp raw user core nice musl fp}"
	MORE_TESTS=0
	for part in $PARTS; do
		case $part in
		modes) n=24 ;;
		seccomp) n=6 ;;
		raw) n=1 ;;
		user | core) n=7 ;;
		*) n=4 ;;
		esac
		MORE_TESTS=$((MORE_TESTS + n))
	done
	export SECONDS_EACH SECONDS_ATTACHED LATE_P50_US MORE MORE_TESTS PARTS
	exec sh "$top_srcdir/tests/run/transparency.sh"
fi

part_modes() {
	for mode in cpu wall; do
		for hz in 100 1000; do
			launched "launched, $mode, $hz Hz" $mode $hz
			attached "attached, $mode, $hz Hz" $mode $hz
		done
	done
}

part_seccomp() {
	launched "seccomp, cpu" cpu 1000 --seccomp
	launched "seccomp, wall" wall 1000 --seccomp
}

part_raw() {
	nudged --raw
	check "stopped by hand, unrepaired, a quarter of the calls fail" \
		within "$(not_as_wanted "$target_out" | wc -l)" 20 60
}

part_user() {
	chmod 777 "$scratch"
	profile=$scratch/profile-of-user
	prefix="setpriv --reuid 65534 --regid 65534 --clear-groups"
	[ "$(id -u)" = 0 ] || prefix=''
	run_alone "ordinary user, "
	launched "ordinary user, launched" cpu 1000
	attached "ordinary user, attached" wall 1000
	profile=$scratch/profile
}

part_core() {
	prefix="taskset -c 0"
	LATE_P50_US=20000
	run_alone "one core, "
	launched "one core, cpu" cpu 1000
	attached "one core, wall" wall 1000
	LATE_P50_US=5000
}

# Two busy loops, psample at nice 19, with its target, which inherits that.
part_nice() {
	loads=
	for load in 1 2; do
		timeout 60 sh -c 'while :; do :; done' 9>&- &
		loads="$loads $!"
	done
	prefix="nice -n 19"
	LATE_P50_US=50000
	run_alone "busy machine, nice 19, "
	launched "busy machine, nice 19" wall 1000
	LATE_P50_US=5000
	for load in $loads; do
		kill "$load"
	done
}

# build COMPILER FLAGS...: the same program as $calls
build() {
	"$@" -std=gnu11 -D_GNU_SOURCE -O2 -I "$top_srcdir/tests/programs" \
		-o "$scratch/calls" "$top_srcdir"/tests/programs/calls*.c \
		-pthread -lrt && calls=$scratch/calls
}

part_musl() {
	usr=/usr/include # the kernel's headers are not in musl's directory
	if ! build musl-gcc -idirafter $usr \
		-idirafter "$usr/$(uname -m)-linux-gnu"; then
		for test in 1 2 3 4; do
			skip "musl $test" "needs musl-gcc"
		done
		return
	fi
	run_alone "musl, "
	launched "musl" wall 1000
}

part_fp() {
	build cc -fno-omit-frame-pointer
	run_alone "frame pointers, "
	launched "frame pointers" wall 1000
}

for part in $PARTS; do
	"part_$part"
	prefix='' calls=$programs/calls
done
