#!/bin/sh
# SPDX-License-Identifier: MIT
# conditions.sh - other campaigns with a tenth of their counts, where psample
# has it harder: conditions.sh CONDITION [CASE...]
#
# user     all as an ordinary user
# core     psample and its target on one core
# nice     psample, and what it launches, at nice 19, next to two busy loops;
#          who measures is not, or it would measure itself
# musl     targets linked with musl
# fp       targets built with frame pointers
#
# A case is one of kill9-cpu, kill9-wall (SIGKILL to psample, 100 times),
# target (SIGKILL to the target, 100), stopped (SIGSTOP to psample, 10),
# strict (strict seccomp, 10 of each), execs (attaching in storms of execs,
# 1,000), attach (attaching to a server, 1,000), bounds, storms (the short
# forms); the first six without a name. N is the tenth of a thousand (100).
. "${top_srcdir:-.}/tests/run/lib.sh"
condition=${1:-}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- kill9-cpu kill9-wall target stopped strict execs
n=${N:-100}
plan $#
case $condition in
user | core | nice | musl | fp) ;;
*)
	echo "conditions.sh: user, core, nice, musl or fp" >&2
	exit 2
	;;
esac

# Its own build, where a user may read it, with targets of another kind.
build=$scratch/build
mkdir -p "$build/tests/programs"
chmod 755 "$scratch"
cp "$PSAMPLE" "$build/psample"
find "$programs" -maxdepth 1 -type f -perm -u+x \
	-exec cp {} "$build/tests/programs" \;
chmod -R a+rX "$build"

n_built=0
build_targets() { # COMPILER FLAGS...
	for program in truth eintr stopcont exec_chain strict hostile \
		attach_server; do
		"$@" -std=gnu11 -D_GNU_SOURCE -O2 -g -pthread \
			-o "$build/tests/programs/$program" \
			"$top_srcdir/tests/programs/$program.c" \
			2>"$scratch/said" || {
			diag "$program is the one of the build:" \
				"$(head -n 1 "$scratch/said")"
			continue
		}
		n_built=$((n_built + 1))
	done
	[ $n_built -gt 0 ] || skip_all "needs $1"
}

usr=/usr/include # the kernel's headers are not in musl's directory
run() { # COMMAND...
	"$@"
}
case $condition in
user)
	requires_root
	run() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	}
	;;
core)
	run() {
		taskset -c 0 "$@"
	}
	;;
nice)
	for _ in 1 2; do
		timeout 600 sh -c 'while :; do :; done' 9>&- &
		at_exit "kill $!" # its child, too
	done
	mv "$build/psample" "$build/psample.here"
	printf '#!/bin/sh\nexec nice -n 19 "%s" "$@"\n' \
		"$build/psample.here" >"$build/psample"
	chmod 755 "$build/psample"
	;;
musl)
	build_targets musl-gcc -idirafter $usr \
		-idirafter "$usr/$(uname -m)-linux-gnu"
	;;
fp)	build_targets cc -fno-omit-frame-pointer ;;
esac

part() { # NAME VARIABLES... SCRIPT ARGS...
	name=$1
	shift
	run env top_srcdir="$top_srcdir" top_builddir="$build" \
		PSAMPLE="$build/psample" "$@" >"$scratch/tap" 2>&1 </dev/null
	check "$condition: $name" [ $? = 0 ]
	grep -E '^(ok|not ok|#|[^ ]*sh: )' "$scratch/tap" | sed 's/^/#   /'
}

run_case() { # CASE
	tests=$top_srcdir/tests
	case $1 in
	kill9-*) part "$1" KILLS="$n" MODE="${1#kill9-}" \
			sh "$tests/run/kill9.sh" ;;
	target | stopped)
		part "$1" N="$n" sh "$tests/campaign/deaths.sh" "$1" ;;
	strict)	part "$1" RUNS=$((n / 10)) sh "$tests/run/strict.sh" ;;
	execs)	part "$1" PARTS=attach STORMS=2 TRIES=$((n * 5)) \
			sh "$tests/campaign/storms.sh" ;;
	attach)	part "$1" sh "$tests/campaign/attach.sh" $((n * 10)) ;;
	bounds | storms)
		part "$1" sh "$tests/run/$1.sh" ;;
	*)	not_ok "$1" "there is no such case" ;;
	esac
}

for case; do
	run_case "$case"
done
finish
