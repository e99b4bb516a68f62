#!/bin/sh
# SPDX-License-Identifier: MIT
# names.sh - debug files are found wherever distributions put them, and those
# of another build are not believed.
#
# Breaks if a place of debug files is forgotten, if a file is used for its
# name alone, if servers are asked unasked, or if the summary does not say
# what is missing.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 56
requires_ptrace
requires_program cc objcopy strip readelf
folded=$scratch/out.folded
err=$scratch/err
cd "$scratch" || exit 1

# What a file that is not stripped shows: main;hot_function;inlined_part. The
# exported function is in .dynsym too.
cat >prog.c <<'EOS'
#include <stdlib.h>
#include <time.h>
static inline __attribute__((always_inline)) long inlined_part(long n)
{
	long x = 1;
	while (n--) {
		x = x * 6364136223846793005 + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}
static __attribute__((noinline)) long hot_function(long n)
{
	return inlined_part(n) + VARIANT;
}
__attribute__((noinline)) long exported_function(long n)
{
	return hot_function(n) + 1;
}
int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.2;
	long sum = 0;
	while (clock() < seconds * CLOCKS_PER_SEC)
		sum += exported_function(300000);
	return sum == 42;
}
EOS

build() { # NAME [OPTION...]
	build_name=$1
	shift
	cc -O2 -g -DVARIANT=1 -Wl,--build-id=sha1 "$@" -o "$build_name" prog.c
}

# --- no name at all ---------------------------------------------------
# Functions that nothing names are told apart by what their code shows.
cat >two.c <<'EOS'
#include <time.h>
#define WORK(name, k)							\
	static __attribute__((noinline)) unsigned long			\
	name(unsigned long n)						\
	{								\
		unsigned long x = 1;					\
		while (n--) {						\
			x = x * 6364136223846793005u + k;		\
			__asm__ volatile("" : "+r"(x));			\
		}							\
		return x;						\
	}
WORK(first, 3)
WORK(second, 5)
int main(void)
{
	unsigned long sum = 0;
	while (clock() < 0.6 * CLOCKS_PER_SEC)
		sum += first(60000) + second(40000);
	return sum == 42;
}
EOS

build_id() { # FILE
	readelf -n "$1" | sed -n 's/.*Build ID: //p'
}

# Make NAME and NAME.debug of one build in folder DIR.
build_separate() { # DIR [OPTION...]
	separate=$1
	shift
	mkdir -p "$separate"
	build "$separate/prog" "$@"
	objcopy --only-keep-debug "$separate/prog" "$separate/prog.debug"
	strip "$separate/prog"
}

record() { # OPTION... -- COMMAND...
	"$PSAMPLE" -v -F 997 -f folded -o "$folded" "$@" \
		>"$scratch/out" 2>"$err" </dev/null
}

cc -O2 -s -fno-asynchronous-unwind-tables -fno-unwind-tables -o two two.c
record -- ./two
# main itself is hardly ever seen.
folded_leaves "$folded" 9 | awk '$1 > 5 && / two[+]0x/' >two.leaves
check "functions of stripped code without tables have a name each" \
	[ "$(wc -l <two.leaves)" = 2 ]
check "the first has its share" within "$(sed -n 1p two.leaves)" 50 70
check "the second has its share" within "$(sed -n 2p two.leaves)" 30 50

# The whole chain, or the function alone, or a name from the address.
stack='main;exported_function;hot_function'
has_chain() {
	folded_match "$folded" "$stack;inlined_part\$"
}

has_function() {
	folded_match "$folded" "$stack\$"
}

has_address() {
	folded_match "$folded" ';prog[+]0x[0-9a-f]*$'
}

check_chain() { # NAME
	check "$1" within "$(has_chain)" 90 100 || diag_file "$err"
}

check_address() { # NAME
	check "$1" within "$(has_address)" 90 100 || diag_file "$err"
}

# --- one file ---------------------------------------------------------
build prog
record -- ./prog
check_chain "DWARF in the file itself: the whole inline chain"
check "-v counts addresses by where their names are from" \
	grep -q 'prog: on .*; [1-9][0-9]* addresses by DWARF' "$err"
strip -g prog
record -- ./prog
check "a symbol table alone: functions" within "$(has_function)" 90 100
check "-v says that there is no DWARF" grep -q 'prog: on .*no DWARF' "$err"
strip prog
record -- ./prog
check_address "stripped: start addresses"
check "the summary tells of it, and what to do" grep -q \
	'^psample: no symbols for prog (.* % of samples): it is stripped' "$err"
build prog -rdynamic
strip prog
record -- ./prog
check ".dynsym alone: exported functions have names" within \
	"$(folded_match "$folded" ';exported_function;prog[+]0x[0-9a-f]*$')" \
	90 100 || { diag_file "$folded"; diag_file "$err"; }
for format in -gz=none -gz=zlib -gdwarf-4 -gdwarf-5; do
	build prog "$format"
	record -- ./prog
	check_chain "$format is read"
done

# --- stubs of the procedure linkage table -----------------------------
printf '%s\n' 'long step(long x);' 'long step(long x) { return x * 3 + 1; }' \
	>step.c
cat >steps.c <<'EOS'
#include <time.h>
long step(long x);
int main(void)
{
	long x = 1;
	while (clock() < 0.3 * CLOCKS_PER_SEC)
		for (int i = 0; i < 100000; i++)
			x = step(x);
	return x == 42;
}
EOS
cc -O2 -shared -fPIC -o libstep.so step.c
for binding in lazy now; do
	cc -O2 -fplt -Wl,-z,$binding -o steps steps.c ./libstep.so
	strip steps
	record -- ./steps
	check "stubs are named for what they call, if bound $binding" \
		within "$(folded_match "$folded" '(^|;)step@plt$')" 0.5 70 ||
		diag_file "$folded"
done

# --- .gnu_debugdata ---------------------------------------------------
if command -v xz >/dev/null; then
	build prog
	objcopy -S --remove-section .comment prog mini.stripped
	nm prog --format=posix --defined-only | awk '$2 ~ /[tT]/ { print $1 }' \
		>keep
	objcopy --only-keep-debug prog mini.debug
	objcopy -S --remove-section .gdb_index --remove-section .comment \
		--keep-symbols=keep mini.debug mini
	xz -f mini
	objcopy --add-section .gnu_debugdata=mini.xz mini.stripped prog
	record -- ./prog
	check ".gnu_debugdata gives functions" within "$(has_function)" 90 100
else
	skip ".gnu_debugdata gives functions" "needs xz"
fi

# --- split DWARF ------------------------------------------------------
mkdir split
(cd split && cp ../prog.c . && build prog -gsplit-dwarf)
record -- split/prog
check_chain "split DWARF: .dwo files are found"
rm -f split/*.dwo
record -- split/prog
check "without them functions still have names" within \
	"$(folded_match "$folded" ';exported_function;hot_function$')" 90 100
check "-v says that .dwo files are missing" \
	grep -q 'prog: on .*not all of its .dwo files' "$err"

# libdw itself would wait for a writer.
mkfifo split/prog-prog.dwo split/prog.dwo split/prog.c.dwo
record -- split/prog
check "a FIFO in the place of a .dwo file is not waited for" within \
	"$(folded_match "$folded" ';exported_function;hot_function$')" 90 100
rm -f split/*.dwo

# elfutils reads packages of .dwo files from 0.191 on; those of DWARF 5 are made
# by llvm-dwp alone, while dwp writes an index that is of neither version.
elfutils=$("$PSAMPLE" --version | sed -n 's/^libdw 0\.\([0-9]*\).*/\1/p')
if ! command -v dwp >/dev/null; then
	skip "a .dwp file beside the program is read" "needs dwp"
elif [ "${elfutils:-0}" -lt 191 ]; then
	skip "a .dwp file beside the program is read" \
		"elfutils before 0.191 reads no .dwp files"
else
	(cd split && build prog -gdwarf-4 -gsplit-dwarf &&
		dwp -e prog -o prog.dwp && rm -f ./*.dwo)
	record -- split/prog
	check_chain "a .dwp file beside the program is read"
fi

# --- links ------------------------------------------------------------
build_separate link
objcopy --add-gnu-debuglink=link/prog.debug link/prog
record -- link/prog
check_chain "a debug file beside the program, by its link"
mkdir link/.debug
mv link/prog.debug link/.debug
record -- link/prog
check_chain "a debug file in .debug"
mv link/.debug/prog.debug link/saved
build_separate other -DOTHER -O1
cp other/prog.debug link/prog.debug
record -- link/prog
check_address "a debug file of another build is not used"
check "-v names it" grep -q 'prog.debug is of another build' "$err"
check "the summary too" grep -q \
	'^psample: no symbols for prog .*prog.debug is of another build' "$err"
# No build id at all: the checksum of the link decides.
mkdir sum
build sum/prog -Wl,--build-id=none
objcopy --only-keep-debug sum/prog sum/prog.debug
strip sum/prog
objcopy --add-gnu-debuglink=sum/prog.debug sum/prog
record -- sum/prog
check_chain "without a build id the checksum decides"
printf x >>sum/prog.debug
record -- sum/prog
check_address "a debug file with another checksum is not used"
# A FIFO of the right name must hold nobody up.
rm -f sum/prog.debug
mkfifo sum/prog.debug
record -- sum/prog
check_address "a FIFO of the right name is not waited for"

# --- rows -------------------------------------------------------------
# No unwind tables but the .debug_frame of the debug file; no guesses either.
tables='-fno-asynchronous-unwind-tables -fno-unwind-tables'
# shellcheck disable=SC2086 # a list of options
build_separate rows $tables -fomit-frame-pointer
objcopy --add-gnu-debuglink=rows/prog.debug rows/prog
record --unwind dwarf -- rows/prog
check_chain "frames are unwound by the tables of the debug file"
rm rows/prog.debug
record --unwind dwarf -- rows/prog
check "which they are, since without it there is no way to main" within \
	"$(folded_match "$folded" '(^|;)main;')" 0 5

# --- C++ --------------------------------------------------------------
cat >styles.cc <<'EOS'
#include <ctime>
#include <map>
#include <vector>
namespace shop {
template <typename T, int N> struct counter {
	__attribute__((noinline)) long hot(const std::vector<T> &v, long n)
	{
		long x = v.size();
		while (n--) {
			x = x * 6364136223846793005 + N;
			__asm__ volatile("" : "+r"(x));
		}
		return x;
	}
};
}
int main()
{
	std::vector<std::map<int, char>> v(3);
	shop::counter<std::map<int, char>, 7> c;
	long sum = 0;
	while (clock() < 0.2 * CLOCKS_PER_SEC)
		sum += c.hot(v, 300000);
	return sum == 42;
}
EOS
map='std::map<int, char, std::less<int>, '
map="${map}std::allocator<std::pair<int const, char> > >"
has_style() { # STYLE: is the leaf below main what NAME is?
	record --demangle "$1" -- ./styles
	sed -n 's/.*;main;\(.*\) [0-9]*$/\1/p' "$folded" |
		grep -qxF -e "$2"
}

if "$PSAMPLE" --version | grep -q '[-]demangling'; then
	for what in short templates full; do
		skip "C++ names: $what" "built without libiberty"
	done
elif c++ -O2 -g -o styles styles.cc 2>styles.err; then
	check "C++ names are short, as in the source" \
		has_style simple 'shop::counter::hot'
	check "with templates, if asked for" \
		has_style templates "shop::counter<$map, 7>::hot"
	check "with parameters, too" has_style full \
		"$(nm -C styles | sed -n 's/ \[clone .*//
			s/.* [tTWV] \(.*::hot(.*\)/\1/p')"
else
	diag_file styles.err
	for what in short templates full; do
		skip "C++ names: $what" "needs c++"
	done
fi

# --- dwz --------------------------------------------------------------
if command -v dwz >/dev/null; then
	for n in 1 2; do
		build_separate "dwz$n" "-DOTHER=$n"
		objcopy --decompress-debug-sections "dwz$n/prog.debug"
		objcopy --add-gnu-debuglink="dwz$n/prog.debug" "dwz$n/prog"
	done
	if dwz -m dwz1/shared.debug -M shared.debug dwz1/prog.debug \
		dwz2/prog.debug 2>dwz.err && [ -e dwz1/shared.debug ]; then
		record -- dwz1/prog
		check_chain "a debug file that dwz made smaller"
		mv dwz1/shared.debug dwz1/away
		record -- dwz1/prog
		check "-v says that what dwz took out is missing" \
			grep -q 'prog: on .*the file that dwz made' "$err"
	else
		diag_file dwz.err
		skip "a debug file that dwz made smaller" "dwz shares nothing"
		skip "-v says that what dwz took out is missing" \
			"dwz shares nothing"
	fi
else
	skip "a debug file that dwz made smaller" "needs dwz"
	skip "-v says that what dwz took out is missing" "needs dwz"
fi

# --- Go, stripped -----------------------------------------------------
if command -v go >/dev/null; then
	export GOCACHE="$go_cache"
	mkdir go
	cat >go/main.go <<'EOS'
package main

import "syscall"

type stack[T int | float64] struct{ values []T }

func inlined[T int | float64](x T, n int) T {
	for i := 0; i < n; i++ {
		x = x*3 + 1
	}
	return x
}

//go:noinline
func (s *stack[T]) hot(n int) T { return inlined(s.values[0], n) }

//go:noinline
func caller(s *stack[int]) int { return s.hot(1000000) }

func main() {
	s := &stack[int]{values: []int{3}}
	var used syscall.Rusage
	for used.Utime.Nano() < 250e6 {
		s.values[0] = caller(s)
		syscall.Getrusage(0, &used)
	}
}
EOS
	printf 'module names\ngo 1.18\n' >go/go.mod
	go_way='runtime.main;main.main;main.caller;main.[(][*]stack'
	for flags in '' '-s -w'; do
		(cd go && GOFLAGS=-mod=mod GOTOOLCHAIN=local go build \
			-ldflags "$flags" -o prog .)
		record -- go/prog
		check "Go ${flags:-with DWARF}: functions and inlined ones" \
			within "$(folded_match "$folded" \
			"${go_way}[[]...[]][)].hot;main.inlined[[]...[]]\$")" \
			90 100
		record --demangle templates -- go/prog
		check "Go ${flags:-with DWARF}: types are kept if asked for" \
			within "$(folded_match "$folded" \
			"${go_way}[[](go.shape.int[^;]*|[.]{3})[]][)].hot;")" \
			90 100
	done
	check "-v says that the names are Go's own" \
		grep -q "prog: on .*Go's table" "$err"
	"$PSAMPLE" -q -F 997 -o prog.pb.gz -- go/prog </dev/null
	go tool pprof -lines -top prog.pb.gz >lines 2>"$err"
	check "stripped Go has files and lines" \
		grep -q 'main.inlined.* .*go/main.go:9' lines || diag_file lines
else
	for what in hot types 'stripped: hot' 'stripped: types' own lines; do
		skip "Go: $what" "needs go"
	done
fi

# --- Rust -------------------------------------------------------------
cat >prog.rs <<'EOS'
use std::hint::black_box;
trait Shape { fn area(&self, n: u64) -> u64; }
struct Square<T>(T);
impl Shape for Square<u64> {
    #[inline(never)]
    fn area(&self, n: u64) -> u64 {
        (0..n).fold(self.0, |x, i| black_box(x * 3 + i))
    }
}
fn main() {
    let square = Square(3);
    for _ in 0..3000 {
        black_box(&square as &dyn Shape).area(black_box(100000));
    }
}
EOS
for mangling in legacy v0; do
	if command -v rustc >/dev/null &&
		rustc -C symbol-mangling-version=$mangling \
			-C overflow-checks=off -O -g -o rust prog.rs \
			2>rust.err; then
		record -- rust
		check "Rust, $mangling: names as in the source" within \
			"$(folded_match "$folded" \
			'prog::main;.*<prog::Square.* as prog::Shape>::area')" \
			90 100 || diag_file "$folded" 3
	else
		skip "Rust, $mangling: names as in the source" "needs rustc"
	fi
done

# --- build ids --------------------------------------------------------
build_separate id
mv id/prog.debug id/debug
id=$(build_id id/prog)
id_path=.build-id/$(echo "$id" | cut -c 1-2)/$(echo "$id" | cut -c 3-).debug
unshare=$(command -v unshare)
[ "$(id -u)" = 0 ] || unshare="$unshare -U -r"

# In a mount namespace with /usr/lib/debug of our own.
with_debug_root() { # DEBUG-FILE COMMAND...
	# shellcheck disable=SC2086 # a command with its options
	$unshare -m sh -c 'mount -t tmpfs none /usr/lib/debug &&
		mkdir -p "$(dirname "/usr/lib/debug/$1")" &&
		cp "$2" "/usr/lib/debug/$1" && shift 2 && exec "$@"' \
		sh "$id_path" "$@"
}

if [ -d /usr/lib/debug ] && with_debug_root id/debug true 2>unshare.err; then
	with_debug_root id/debug "$PSAMPLE" -v -F 997 -f folded -o "$folded" \
		-- id/prog >"$scratch/out" 2>"$err" </dev/null
	check_chain "a debug file by build id below /usr/lib/debug"
	with_debug_root other/prog.debug "$PSAMPLE" -v -F 997 -f folded \
		-o "$folded" -- id/prog >"$scratch/out" 2>"$err" </dev/null
	check_address "one of another build there is not used"
	# Only the target sees it.
	start_background with_debug_root id/debug id/prog 4
	wait_until 30 pgrep -x prog -P "$target_pid"
	inner=$(pgrep -x prog -P "$target_pid")
	record -d 0.5 -p "$inner"
	check_chain "the debug files of the target's mount namespace are used"
	kill "$inner"
	# The .dwo file is where it was compiled, but only for the target.
	(cd split && build prog -gsplit-dwarf)
	mv split hidden
	mkdir split
	# shellcheck disable=SC2086
	start_background $unshare -m sh -c 'mount -t tmpfs none split &&
		cp hidden/* split && exec split/prog 4'
	wait_until 30 has_text "/proc/$target_pid/comm" prog
	record -d 0.5 -p "$target_pid"
	if [ "$(id -u)" = 0 ]; then
		check_chain "the .dwo files of that namespace, too"
	else
		skip "the .dwo files of that namespace, too" "needs root"
	fi
	stop_target
else
	diag_file unshare.err
	for what in "by build id" "of another build" "of the target's own" \
		"in .dwo files"; do
		skip "debug files $what below /usr/lib/debug" \
			"needs a mount namespace and /usr/lib/debug"
	done
fi

# --- debuginfod -------------------------------------------------------
mkdir -p "served/buildid/$id"
cp id/debug "served/buildid/$id/debuginfo"
cat >server.py <<'EOS'
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                            directory="served")
server = http.server.HTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
EOS
cat >silent.py <<'EOS'
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(120)
EOS
DEBUGINFOD_CACHE_PATH=$scratch/cache
export DEBUGINFOD_CACHE_PATH

start_server() { # SCRIPT
	start_target python3 -u "$1"
	server_out=$target_out
	DEBUGINFOD_URLS=http://127.0.0.1:$(head -n 1 "$server_out")
	export DEBUGINFOD_URLS
}

unset DEBUGINFOD_URLS
record --debuginfod -- id/prog
check_equal "--debuginfod without a server is refused before the start" $? 125
if ! command -v python3 >/dev/null; then
	reason="needs python3"
elif ! DEBUGINFOD_URLS=x "$PSAMPLE" --debuginfod -o /dev/null -- true \
	2>"$err"; then
	diag_file "$err"
	reason="needs libdebuginfod"
else
	reason=
fi
if [ -n "$reason" ]; then
	for what in unasked named said silent quick; do
		skip "debuginfod: $what" "$reason"
	done
	finish
fi
start_server server.py
record -- id/prog
check_equal "no server is asked unless the user wants it" \
	"$(grep -c GET "$server_out")" 0
check "the summary tells of --debuginfod where a package may be there" \
	sh -c "'$PSAMPLE' -F 500 -f folded -o /dev/null -- sh -c '
		i=0; while [ \$i -lt 300000 ]; do i=\$((i + 1)); done' 2>&1 |
		grep -q 'no symbols for .*or use --debuginfod'"
record --debuginfod -- id/prog
check_chain "--debuginfod fetches what is missing"
check "-v says so" grep -q 'debuginfod: prog: found' "$err"
stop_target
rm -rf "$DEBUGINFOD_CACHE_PATH"
start_server silent.py
start=$(date +%s)
DEBUGINFOD_TIMEOUT=2 record --debuginfod -- id/prog
check "a silent server holds nobody up" \
	[ $(($(date +%s) - start)) -lt 40 ]
check_address "and the profile is written all the same"
finish
