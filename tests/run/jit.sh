#!/bin/sh
# SPDX-License-Identifier: MIT
# jit.sh - code made at run time has the names that its maker lists.
#
# Breaks if /tmp/perf-PID.map is looked for in another namespace than the
# target's, read too early, believed when it is not the target's own, or if
# walks end in code without unwind tables.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 37
requires_ptrace
folded=$scratch/out.folded
err=$scratch/err
at_exit forget_list

# What the target with number jit_pid left in /tmp.
forget_list() {
	rm -f "/tmp/perf-${jit_pid:-none}.map" \
		"/tmp/perf-${jit_pid:-none}.list"
	jit_pid=
}

jit_seconds=1
record_jit() { # MODE [OPTION...]
	jit_mode=$1
	shift
	forget_list
	start_background "$programs/jit" "$jit_mode" "$jit_seconds"
	jit_pid=$target_pid
	wait_until 30 has_line "$target_out"
	"$PSAMPLE" -F 997 -f folded -o "$folded" "$@" -p "$jit_pid" \
		2>"$err" </dev/null
}

has_names() { # MODE
	check "$1: jit_hot has its share" within \
		"$(folded_share "$folded" jit_hot)" 68 82
	check "$1: jit_warm has its share" within \
		"$(folded_match "$folded" ';jit_[^;]*warm$')" 18 32
	check "$1: both are below jit_caller below main" within \
		"$(folded_match "$folded" ';main;jit_caller;jit_[^;]*$')" \
		95 100
	check "$1: stacks reach the root" within \
		"$(summary_rooted "$err")" 95 100
}

for mode in anon memfd late moved; do
	record_jit $mode
	has_names $mode
done
record_jit bare
check "bare: jit_hot has its share" within \
	"$(folded_share "$folded" jit_hot)" 68 82
check "bare: both are below main" within \
	"$(folded_match "$folded" ';main;(jit_caller;)?jit_[^;]*$')" 95 100
check "bare: stacks reach the root" within \
	"$(summary_rooted "$err")" 95 100
record_jit odd
has_names odd
check "what a terminal would obey is not in names" \
	grep -q 'jit_?\[31mwarm' "$folded"
forget_list
"$PSAMPLE" -F 997 -o "$scratch/fork.%p.folded" -- "$programs/jit" fork 1 \
	>"$scratch/out" 2>"$err" </dev/null
jit_pid=$(echo "$scratch"/fork.* | sed 's/.*fork\.\([0-9]*\).*/\1/')
mv "$scratch"/fork.*.folded "$folded"
check "a child that was forked: names are in the list of its parent" within \
	"$(folded_share "$folded" jit_hot)" 68 82
forget_list
"$PSAMPLE" -q -F 200 -o "$scratch/out.%p.pb" -- "$programs/jit" anon 0.5 \
	>"$scratch/out" 2>&1
jit_pid=$(echo "$scratch"/out.*.pb | sed 's/.*out\.\([0-9]*\).*/\1/')
mv "$scratch"/out.*.pb "$scratch/out.pb.gz"
check "the mapping is named as by perf" \
	sh -c "gzip -dc '$scratch/out.pb.gz' | grep -aq '\[JIT\] tid [0-9]'"

# --- lists that are not to be believed --------------------------------
record_jit link
check "a list that is a symbolic link is not followed" \
	[ "$(grep -c 'jit_' "$folded")" = 0 ]
check "that is said" grep -q 'not used: it is a symbolic link' "$err"
start_background "$programs/jit" anon 1.5
jit_pid=$target_pid
wait_until 30 has_line "$target_out"
touch -d '2001-01-01' "/tmp/perf-$jit_pid.map"
"$PSAMPLE" -F 997 -f folded -o "$folded" -p "$jit_pid" 2>"$err" </dev/null
check "a list older than the process is another's" \
	grep -q 'not used: it is older' "$err"
if [ "$(id -u)" = 0 ]; then
	jit_seconds=10
	record_jit late -d 0.3
	: >"/tmp/perf-$jit_pid.map"
	chown 65534 "/tmp/perf-$jit_pid.map"
	"$PSAMPLE" -F 997 -d 0.3 -f folded -o "$folded" -p "$jit_pid" \
		2>"$err" </dev/null
	check "a list of another user is not used" \
		grep -q 'not used: it belongs to another user' "$err"
	stop_target
else
	skip "a list of another user is not used" "needs root"
fi
forget_list

# --- another namespace ------------------------------------------------
unshare=$(command -v unshare)
[ "$(id -u)" = 0 ] || unshare="$unshare -U -r"
if $unshare -m -p -f --mount-proc true 2>"$scratch/unshare"; then
	# The program may itself be below /tmp.
	# shellcheck disable=SC2086 # a command with its options
	start_target $unshare -m -p -f --mount-proc sh -c \
		'exec 3<"$0" && mount -t tmpfs none /tmp &&
		exec /proc/self/fd/3 anon 1.5' "$programs/jit"
	inner=$(pgrep -P "$target_pid")
	"$PSAMPLE" -F 997 -f folded -o "$folded" -p "$inner" \
		2>"$err" </dev/null
	check "in namespaces: jit_hot has its share" within \
		"$(folded_share "$folded" jit_hot)" 68 82
else
	diag_file "$scratch/unshare"
	skip "in namespaces: jit_hot has its share" "needs namespaces"
fi

# --- real compilers ---------------------------------------------------
# Functions have names on at least 50 % of the stacks, ROOTED % of which
# reach the root; of the same seconds, a runtime takes more to begin with on a
# busy machine.
real_jit() { # NAME ROOTED FRAME COMMAND...
	real_name=$1 real_rooted=$2 real_frame=$3
	shift 3
	rm -f "$scratch"/real.*
	"$PSAMPLE" -F 997 -f folded -o "$scratch/real.%p" -- "$@" \
		>"$scratch/out" 2>"$err" </dev/null
	jit_pid=$(echo "$scratch"/real.* | sed 's/.*real\.//')
	mv "$scratch"/real.* "$folded"
	forget_list
	check "$real_name: functions have their names" within \
		"$(folded_match "$folded" "$real_frame")" 50 100
	check "$real_name: stacks reach the root" within \
		"$(summary_rooted "$err")" "$real_rooted" 100
}

no_jit() { # NAME REASON
	for what in 'functions have their names' 'stacks reach the root'; do
		skip "$1: $what" "$2"
	done
}

if command -v node >/dev/null; then
	cat >"$scratch/fib.js" <<'EOS'
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
const end = Date.now() + 1000
while (Date.now() < end) fib(20)
EOS
	real_jit node 95 'JS:.fib ' node --perf-basic-prof "$scratch/fib.js"
else
	no_jit node "needs node"
fi

if command -v javac >/dev/null; then
	cat >"$scratch/Fib.java" <<'EOS'
public class Fib {
	static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
	public static void main(String[] args) {
		long end = System.currentTimeMillis() + 2000;
		while (System.currentTimeMillis() < end)
			fib(20);
	}
}
EOS
	javac -d "$scratch" "$scratch/Fib.java"
	real_jit java 95 'int Fib.fib' java -XX:+PreserveFramePointer \
		-XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit \
		-cp "$scratch" Fib
else
	no_jit java "needs javac"
fi

# A Python from 3.12 on; pyenv may hold one that is not in PATH.
find_python() {
	for python in python3.14 python3.13 python3.12 python3 \
		"$(pyenv root 2>/dev/null)"/versions/3.1[2-9]*/bin/python3; do
		"$python" -X perf -c '
import sys
sys.exit(not sys.is_stack_trampoline_active())' 2>/dev/null && return
	done
	python=
}

find_python
if [ -n "$python" ]; then
	cat >"$scratch/fib.py" <<'EOS'
import time
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
end = time.time() + 1
while time.time() < end:
    fib(12)
EOS
	real_jit python 95 'py::fib:' "$python" -X perf "$scratch/fib.py"
else
	no_jit python "needs Python 3.12"
fi
finish
