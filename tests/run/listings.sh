#!/bin/sh
# SPDX-License-Identifier: MIT
# listings.sh - disasm and weblist: instructions of programs and libraries.
#
# Breaks if an address of a PIE or a library is not found in its file, if
# recursion counts twice, or if a name could become markup.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 31
requires_program cc objdump nm
requires_ptrace
cd "$scratch" || exit 1

cat >fact.c <<'END'
static volatile long sink;
static inline __attribute__((always_inline)) long inner(long n)
{
	long s = 0;
	for (long i = 0; i < n; i++)
		s += i * (s ^ 3);
	return s;
}
__attribute__((noinline)) long fact(int n, long m)
{
	if (n == 0)
		return inner(m);
	sink += inner(m / 4);
	return fact(n - 1, m) + 1 + inner(m / 8);
}
END
echo 'long fact(int, long);
int main(void) { return fact(3, 1) + fact(4, ROUNDS) == 7; }' >main.c
rounds='-DROUNDS=150000000L'
cc -O2 -g -fPIE -pie $rounds -o pie main.c fact.c
cc -O2 -g -no-pie -static $rounds -o fixed main.c fact.c
cc -O2 -g -fPIC -shared -o libfact.so fact.c
cc -O2 -g -fPIE -pie $rounds -o user main.c ./libfact.so
for program in pie fixed user; do
	"$PSAMPLE" -q -F 500 -o $program.pb.gz -- ./$program </dev/null
done

cum() { # REPORT-OUTPUT: the cum of the one routine in it
	sed -n 's/^ *[^ ]* *\([^ ]*\) (flat, cum).*/\1/p' "$1"
}
for program in pie fixed user; do
	wanted=$("$PSAMPLE" top -unit=ms -trim=false $program.pb.gz |
		awk '$6 == "fact" { print $4 }')
	"$PSAMPLE" disasm '^fact$' -unit=ms $program.pb.gz \
		>out 2>err
	check_equal "$program: disasm counts recursion as top does" \
		"$(cum out)" "$wanted" || diag_file err
	"$PSAMPLE" list '^fact$' -unit=ms $program.pb.gz >out 2>err
	check_equal "$program: so does list" "$(cum out)" "$wanted"
	"$PSAMPLE" weblist '^fact$' -unit=ms -q -o $program.html \
		$program.pb.gz 2>err
	check_equal "$program: so does weblist" \
		"$(sed -n 's/.*  Total: *[^ ]* *\([^ ]*\) (flat.*/\1/p' \
			$program.html)" "$wanted" || diag_file err
done
check "weblist has instructions below source lines" sh -c \
	'grep -q "<details>.*return inner(m)" pie.html &&
		grep -q "^ .*[0-9a-f]: .*<span class=\"dim\">fact.c:6" pie.html'
check "what was inlined says so" grep -q 'class="call"> *inner' pie.html
"$PSAMPLE" disasm fact -intel_syntax pie.pb.gz >out
check "intel_syntax has the destination first" grep -q 'imul.*\<r[a-z]*, *r' \
	out
"$PSAMPLE" disasm 'main|fact' fixed.pb.gz >all
"$PSAMPLE" disasm 'main|fact' --nodefraction=1.5 fixed.pb.gz >out
check "nodefraction hides functions, and says so" sh -c \
	'grep -q "^Hidden [1-9]" out && ! grep -q ROUTINE out &&
		grep -q ROUTINE all'
printf '#!/bin/sh\ncat "$1"\n' >viewer
chmod +x viewer
printf '%s\n' 'disasm --nodefraction=1.5 ^fact$' 'weblist ^fact$' \
	'weblist --nodefraction=1.5 ^fact$' |
	TMPDIR=$scratch BROWSER=$scratch/viewer "$PSAMPLE" report -q \
		fixed.pb.gz >out 2>err
check "at the prompt that is an option for its line" \
	wait_until 10 sh -c '[ "$(grep -c "Hidden 1 func" out)" = 2 ]'
check "without it all is there" grep -q '<h2 id="f0">fact</h2>' out
address=$(nm fixed | awk '$3 == "fact" { print "0x" $1 }')
"$PSAMPLE" disasm "$address" fixed.pb.gz >out
check "an address is as good as a name" grep -q 'ROUTINE.* fact$' out

cp pie pie.old
cp libfact.so libfact.old
strip libfact.so
"$PSAMPLE" disasm '^fact$' user.pb.gz >out
check "a stripped library has the names that the linker needs" \
	grep -q 'ROUTINE.* fact$' out
mv libfact.old libfact.so
cc -O0 -g -fPIE -pie $rounds -o pie main.c fact.c
"$PSAMPLE" disasm fact pie.pb.gz >out 2>err
check_equal "a program that was built anew is not shown for the old one" \
	"$? $(grep -c 'build id' err)" '1 1'
"$PSAMPLE" weblist fact -q -o new.html pie.pb.gz 2>err
check "the sources are, with a warning" sh -c \
	'grep -q "return inner(m)" new.html && grep -q "build id" err'
mv pie.old pie

# --- programs of 32 bits --------------------------------------------------
cat >small.c <<'END'
int leaf(int n) { return n * 3; }
void _start(void) { leaf(2); for (;;) ; }
END
if cc -m32 -g -O0 -nostdlib -static -no-pie -o small small.c 2>cc.log; then
	# The addresses of a heap profile are those behind the calls.
	leaf=$(nm small | sed -n 's/ T leaf//p')
	cat >small.heap <<-END
	heap profile: 1: 10 [ 1: 10] @ heapprofile
	1: 10 [1: 10] @ $(printf '0x%x' $((0x$leaf + 1)))
	MAPPED_LIBRARIES:
	08049000-0804a000 r-xp 00001000 00:00 0 $PWD/small
	END
	"$PSAMPLE" disasm . small.heap >out 2>err
	check "a program of 32 bits is disassembled" \
		grep -q '^ *10B *10B .*push.*leaf small.c:1' out ||
		diag_file err
	check_equal "its functions have names and lines" \
		"$("$PSAMPLE" top -lines small.heap 2>err |
			awk 'NR > 4 { print $6, $7 }')" "leaf $PWD/small.c:1"
else
	skip "a program of 32 bits is disassembled" "needs cc -m32"
	skip "its functions have names and lines" "needs cc -m32"
fi

# --- hostile names -----------------------------------------------------
printf 'main;<script>alert(1)</script>" onclick="x 5\n' >bad.folded
"$PSAMPLE" weblist . -symbolize=none -q -o bad.html bad.folded
check "names of functions do not become markup" sh -c \
	'! grep -qi "<script" bad.html && grep -q "&lt;script" bad.html'
"$PSAMPLE" weblist '^fact$' -source_path=/nowhere -trim_path="$PWD" -q \
	-o gone.html pie.pb.gz 2>err
check "without sources the lines come in their order" sh -c \
	"sed -n 's/^.*> *\([0-9]*\) .*???.*/\1/p' gone.html >numbers &&
		[ \$(wc -l <numbers) -gt 2 ] && sort -n numbers | cmp - numbers"
mkdir -p moved/deep other
sed 's/inner/renamed/' fact.c >moved/deep/fact.c
mv fact.c other
"$PSAMPLE" list '^fact$' -source_path="$PWD/moved/deep" pie.pb.gz >out
check "source_path finds what was moved" grep -q 'sink += renamed' out
"$PSAMPLE" list '^fact$' -source_path=deep:moved -trim_path="${PWD%/*}" \
	pie.pb.gz >out
mv other/fact.c .
check "trim_path leaves what to look for, and says where it was not" \
	grep -q 'could not find file .*fact.c on path deep:moved' out
check "the page forbids scripts" grep -q "default-src 'none'" bad.html

mkdir tools
printf '#!/bin/sh\necho "$@" >>%s/tools.log\nexec objdump "$@"\n' \
	"$scratch" >tools/objdump
chmod +x tools/objdump
"$PSAMPLE" disasm fact -tools "objdump:$scratch/tools" pie.pb.gz >out
check "tools says which objdump" grep -q 'disassemble.*pie$' tools.log

# --- without tools ------------------------------------------------------
PATH=$scratch "$PSAMPLE" disasm fact pie.pb.gz >out 2>err
check "without tools disasm says what to install" grep -q binutils err
PATH=$scratch "$PSAMPLE" weblist fact -o bare.html pie.pb.gz 2>err
check "and weblist shows the sources alone" sh -c \
	'grep -q "return inner(m)" bare.html && grep -q "no instructions" err'

# --- a click ------------------------------------------------------------
browser=$(command -v chromium || command -v chromium-browser)
if [ -n "$browser" ]; then
	sed "s|<meta http-equiv=[^>]*>||; s|</body>|<script>\
		const d = document.querySelector('details');\
		d.querySelector('summary').click();\
		setTimeout(() => { document.title = 'open' + d.open + \
		(d.querySelector('.asm').offsetHeight > 20); }, 0);\
		</script></body>|" pie.html >driven.html
	timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
		--user-data-dir="$scratch/browser" --virtual-time-budget=2000 \
		--dump-dom "file://$scratch/driven.html" >dom 2>/dev/null
	check "a click on a source line unfolds it" \
		grep -q '<title>opentruetrue' dom
else
	skip "a click on a source line unfolds it" "needs chromium"
fi

# --- the same as pprof --------------------------------------------------
if ! command -v go >/dev/null; then
	skip "disasm is that of pprof" "needs go"
elif ! GOCACHE=$go_cache sh "$top_srcdir/tests/report/standalone.sh" \
	"$scratch/pprof" >build.log 2>&1; then
	skip "disasm is that of pprof" "needs the sources of pprof in Go"
else
	n=0
	while read -r options; do
		for program in pie fixed user; do
			# It goes by the first node, whose order is chance:
			# in another file than the function, all is missing.
			for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
				# shellcheck disable=SC2086 # words
				./pprof -symbolize=none $options \
					$program.pb.gz >theirs 2>/dev/null
				[ ! -s theirs ] || break
			done
			# shellcheck disable=SC2086
			"$PSAMPLE" report -pprof_sums $options \
				$program.pb.gz >ours 2>/dev/null
			cmp -s ours theirs || {
				diag "different: $options $program"
				diff theirs ours | head -n 4 | sed 's/^/# /'
				continue
			}
			n=$((n + 1))
		done
	done <<-'END'
	-disasm=fact
	-disasm=^nosuch
	-disasm=fact -cum -unit=us
	-disasm=fact -intel_syntax
	-disasm=fact -mean
	-disasm=fact -sample_index=0 -divide_by=2
	-disasm=fact -focus=main -hide=_start
	-disasm=fact -ignore=inner
	END
	check_equal "disasm is that of pprof" "$n" 24
fi
finish
