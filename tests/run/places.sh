#!/bin/sh
# SPDX-License-Identifier: MIT
# places.sh - targets in containers, deleted, replaced, in memory, of another
# user, of another width, already traced: sampled by the right files, or
# refused in words that help.
#
# Breaks if a file is opened by its path alone, or if a reason of ptrace's
# EPERM is told as another one.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 30
requires_ptrace
requires_program cc
folded=$scratch/out.folded
err=$scratch/err
chmod 755 "$scratch"
cd "$scratch" || exit 1

# --- programs of which only the names differ --------------------------
cat >prog.c <<'EOS'
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
long HOT(long n);
#ifndef WITHOUT_HOT
__attribute__((noinline)) long HOT(long n)
{
	long x = 1;
	while (n--) {
		x = x * 6364136223846793005 + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}
#endif
#ifndef WITHOUT_MAIN
static int compare(const void *a, const void *b)
{
	HOT(20000);
	return *(const int *)a - *(const int *)b;
}
int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 20;
	int numbers[64];
#ifdef NO_DUMP
	prctl(PR_SET_DUMPABLE, 0);
#endif
	printf("ready\n");
	fflush(stdout);
	while (clock() < seconds * CLOCKS_PER_SEC) {
		for (int i = 0; i < 64; i++)
			numbers[i] = rand();
		qsort(numbers, 64, sizeof(int), compare);
	}
	return 0;
}
#endif
EOS

build() { # FILE HOT [OPTION...]
	build_file=$1 build_hot=$2
	shift 2
	cc -g -O2 -fno-ipa-icf "-DHOT=$build_hot" -o "$build_file" prog.c \
		"$@"
}

attach() { # PID [OPTION...]
	attach_pid=$1
	shift
	# shellcheck disable=SC2086 # nothing, or a command with its options
	$as_user "$PSAMPLE" -v -F 500 -d 0.4 -f folded -o - "$@" \
		-p "$attach_pid" >"$folded" 2>"$err" </dev/null
}

check_hot() { # NAME FUNCTION: main calls qsort calls FUNCTION
	check "$1" within "$(folded_match "$folded" \
		";main;.*qsort.*;compare;$2\$")" 90 100 || diag_file "$err"
}

check_said() { # NAME TEXT
	check "$1" grep -q -e "$2" "$err" || diag_file "$err"
}

# Commands of somebody without rights start with $user, if there can be one.
# Not everybody may read where psample was built.
as_user=
user=
[ "$(id -u)" != 0 ] ||
	user="setpriv --reuid 65534 --regid 65534 --clear-groups"
cp "$PSAMPLE" psample
PSAMPLE=$scratch/psample
can_be_user=no
$user "$PSAMPLE" -q -f folded -o - -- true >"$folded" 2>"$err" \
	</dev/null && can_be_user=yes

# --- files that are gone ----------------------------------------------
build deleted right
start_target ./deleted
rm deleted
attach "$target_pid"
check_hot "a deleted program has its names" right
stop_target

build replaced right
build newer wrong
start_target ./replaced
mv newer replaced
attach "$target_pid"
check_hot "a replaced program has the names of the old file" right
stop_target

# A library is opened by its path only if that is the same file.
lib_options='-shared -fPIC -DWITHOUT_MAIN'
# shellcheck disable=SC2086 # a list of options
build libhot.so right $lib_options
build with_lib right -DWITHOUT_HOT ./libhot.so
start_target ./with_lib
attach "$target_pid"
check_hot "a library has its names" right
mv libhot.so away.so
# shellcheck disable=SC2086
build libhot.so right $lib_options -DOTHER -O1
if [ "$(id -u)" = 0 ]; then
	attach "$target_pid"
	check_hot "a replaced library has the names of the old file" right
else
	skip "a replaced library has the names of the old file" \
		"needs root, for map_files"
fi
stop_target
mv away.so libhot.so

# Only root may open what has no path any more; the program itself is there.
if [ $can_be_user = yes ]; then
	as_user=$user
	# shellcheck disable=SC2086
	start_target $user ./with_lib
	cp libhot.so away.so
	rm libhot.so
	attach "$target_pid"
	check_hot "without rights: a deleted library is read from memory" \
		right
	stop_target
	mv away.so libhot.so
	build user_deleted right
	# shellcheck disable=SC2086
	start_target $user ./user_deleted
	rm user_deleted
	attach "$target_pid"
	check_hot "without rights: a deleted program has its names" right
	stop_target
	as_user=
else
	for what in 'a deleted library' 'a deleted program'; do
		skip "without rights: $what" "nobody else may run psample here"
	done
fi

# --- programs in memory -----------------------------------------------
if command -v python3 >/dev/null; then
	build memory right
	start_target python3 -c '
import os, sys
fd = os.memfd_create("secret", 0)
os.write(fd, open(sys.argv[1], "rb").read())
os.execve(fd, ["secret"], os.environ)' ./memory
	attach "$target_pid"
	check_hot "a program in a memfd has its names" right
	stop_target
else
	skip "a program in a memfd has its names" "needs python3"
fi

# --- other namespaces -------------------------------------------------
unshare=$(command -v unshare)
[ "$(id -u)" = 0 ] || unshare="$unshare -U -r"
mkdir -p tree/usr/bin tree/lib tree/lib64 tree/proc tree/dev
build tree/usr/bin/env right -static
copy_libraries() { # PROGRAM: into the tree, at their own paths
	ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "tree$(dirname "$library")"
		cp -L "$library" "tree$library"
	done
}

# Start PROGRAM of the tree as its process 1; sets inner to its number here.
start_inside() { # PROGRAM
	inside_name=$(basename "$1")
	# shellcheck disable=SC2086
	start_target $unshare -m -p -f --root="$scratch/tree" "$1"
	inner=$(pgrep -P "$target_pid")
	[ "$(readlink "/proc/$inner/exe" | grep -c "$1")" = 1 ] ||
		diag "$inner is not $1"
}

stop_inside() {
	kill -KILL "$inner" 2>/dev/null
	wait_until 10 is_gone "$inner"
	stop_target
}

if $unshare -m -p -f --root="$scratch/tree" /usr/bin/env 0 \
	>"$scratch/out" 2>"$err"; then
	start_inside /usr/bin/env
	attach "$inner"
	check_hot "in namespaces and another root: names of its own files" \
		right
	stop_inside
	# The user namespace that rootless containers add.
	plain_unshare=$unshare
	unshare="$(command -v unshare) -U -r"
	if $unshare -m -p -f --root="$scratch/tree" /usr/bin/env 0 \
		>"$scratch/out" 2>"$err"; then
		start_inside /usr/bin/env
		attach "$inner"
		check_hot "in a user namespace, too: its names" right
		stop_inside
	else
		skip "in a user namespace, too" "needs user namespaces"
	fi
	unshare=$plain_unshare
	if [ "$(id -u)" = 0 ]; then
		start_target chroot "$scratch/tree" /usr/bin/env
		attach "$target_pid"
		check_hot "in a chroot: names of its own files" right
		stop_target
	else
		skip "in a chroot: names of its own files" "needs root"
	fi
	# The same path is another file on this side.
	build tree/usr/bin/id right
	copy_libraries tree/usr/bin/id
	mkdir -p tree/usr/lib/debug/.build-id
	objcopy --only-keep-debug tree/usr/bin/id tree/usr/bin/id.dbg
	strip tree/usr/bin/id
	start_inside /usr/bin/id
	attach "$inner"
	check_said "a program is stripped there, and said to be" \
		'no symbols for id '
	stop_inside
	objcopy --add-gnu-debuglink=tree/usr/bin/id.dbg tree/usr/bin/id
	start_inside /usr/bin/id
	attach "$inner"
	check_hot "its debug file is the one beside it, there" right
	stop_inside
	if command -v musl-gcc >/dev/null; then
		musl-gcc -g -O2 -fno-ipa-icf -DHOT=right -o tree/usr/bin/musl \
			prog.c
		musl=$(readelf -l tree/usr/bin/musl |
			sed -n 's/.*interpreter: \(.*\)\]/\1/p')
		cp -L "$musl" "tree$musl"
		start_inside /usr/bin/musl
		attach "$inner"
		check "with another libc: its functions have names" within \
			"$(folded_match "$folded" 'compare;right$')" 90 100
		check "that libc is the one of the tree" within \
			"$(folded_match "$folded" '(ld-musl|qsort)')" 90 100
		stop_inside
	else
		skip "with another libc: its functions have names" \
			"needs musl-gcc"
		skip "that libc is the one of the tree" "needs musl-gcc"
	fi
else
	diag_file "$err"
	for what in 'its own files' 'a user namespace' 'a chroot' 'stripped' \
		'its debug file' 'musl' 'musl libc'; do
		skip "in namespaces: $what" "needs namespaces"
	done
fi

# --- refused ----------------------------------------------------------
# An ELF32 program for i386: dec %ecx; jmp back
{
	printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0'
	printf '\124\200\004\010\064\0\0\0\0\0\0\0\0\0\0\0'
	printf '\064\0\040\0\1\0\0\0\0\0\0\0'
	printf '\1\0\0\0\0\0\0\0\0\200\004\010\0\200\004\010'
	printf '\127\0\0\0\127\0\0\0\5\0\0\0\0\020\0\0'
	printf '\111\353\375'
} >program32
chmod 755 program32
"$PSAMPLE" -f folded -o - -- ./program32 >"$folded" 2>"$err" </dev/null
check_equal "a 32-bit program is not launched" $? 125
check_said "the reason is told" 'program32: it is a 32-bit program'
"$PSAMPLE" -d 0.4 -f folded -o - -- sh -c \
	'./program32 & echo $! >child; sleep 0.6; kill $!' \
	>"$folded" 2>"$err" </dev/null
if kill -0 "$(cat child)" 2>/dev/null ||
	grep -q 'runs a 32-bit program' "$err"; then
	check_said "a child of 32 bits is told of, and not sampled" \
		'runs a 32-bit program, which is not sampled'
	check "its time is unsampled" within \
		"$(folded_match "$folded" 'unsampled')" 80 100
	start_background ./program32
	attach "$target_pid"
	check_equal "a running 32-bit program is not attached to" $? 1
	check_said "for the same reason" 'it is a 32-bit program'
	stop_target
else
	for what in 'a child' 'its time' 'an attach' 'the reason'; do
		skip "32 bits: $what" "this kernel runs no 32-bit programs"
	done
fi

build target right
start_target ./target
"$PSAMPLE" -q -f folded -o /dev/null -p "$target_pid" &
tracer=$!
at_exit "kill $tracer 2>/dev/null; wait $tracer 2>/dev/null"
is_traced() {
	! grep -q '^TracerPid:[^0-9]*0$' "/proc/$target_pid/status"
}
wait_until 30 is_traced
attach "$target_pid"
check_equal "a process that is traced already is not attached to" $? 1
check_said "its tracer is named" "process $tracer (psample) traces it"
kill "$tracer"
wait "$tracer" 2>/dev/null
attach "$target_pid"
check_hot "when the tracer has gone, it is sampled" right
stop_target

# --- other users ------------------------------------------------------
if [ "$(id -u)" = 0 ] && [ $can_be_user = yes ]; then
	start_target ./target
	as_user=$user
	attach "$target_pid"
	check_equal "a process of another user is not attached to" $? 1
	check_said "whose it is is said" 'cause: it runs as uid 0'
	as_user=
	stop_target
	# shellcheck disable=SC2086
	start_target $user ./target
	attach "$target_pid"
	check_hot "root samples the process of another user" right
	stop_target
	build closed right -DNO_DUMP
	# shellcheck disable=SC2086
	start_target $user ./closed
	as_user=$user
	attach "$target_pid"
	check_said "what cannot be dumped is said to be so" 'not dumpable'
	as_user=
	for scope in 1 2 3; do
		# The file of Yama, in a mount namespace of its own.
		# shellcheck disable=SC2086
		unshare -m sh -c 'mount -t tmpfs none /proc/sys/kernel &&
			mkdir /proc/sys/kernel/yama &&
			echo $1 >/proc/sys/kernel/yama/ptrace_scope &&
			chmod -R a+rX /proc/sys/kernel && shift && exec "$@"' \
			sh $scope $user "$PSAMPLE" -o /dev/null \
			-p "$target_pid" >"$scratch/out" 2>"$err" </dev/null
		check_said "ptrace_scope $scope of Yama is explained" \
			"kernel.yama.ptrace_scope=$scope allows"
	done
	stop_target
else
	for what in 'not attached to' 'whose it is' 'root samples' \
		'not dumpable' 'scope 1' 'scope 2' 'scope 3'; do
		skip "other users: $what" "needs root"
	done
fi
finish
