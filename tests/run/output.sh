#!/bin/sh
# SPDX-License-Identifier: MIT
# output.sh - files are whole, named well, accepted by others, and never lost.
#
# Breaks if a profile is written in place, if the default name overwrites, if
# an unwritable place is found only after the run, or if usage errors run the
# program first.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
plan 44
requires_ptrace
cd "$scratch" || exit 1

quick() { # psample's options: profiles something short
	"$PSAMPLE" -F 1000 "$@" -- "$programs/threads" 20 \
		>"$scratch/out" 2>"$scratch/err" </dev/null
}

# --- folded -----------------------------------------------------------
quick -f folded -o a.folded
check_equal "a folded profile is written" $? 0
check "every line of it is stacks, a blank and a number" \
	[ "$(grep -cv '^[^ ].* [0-9][0-9]*$' a.folded)" = 0 ]
check "no frame of it is empty" [ "$(grep -c ';;\|^;\|; ' a.folded)" = 0 ]
check "the four functions have 10:20:30:40 percent" awk \
	-v a="$(folded_share a.folded hot_alpha any)" \
	-v d="$(folded_share a.folded hot_delta any)" \
	'BEGIN { exit !(a > 3 && a < 17 && d > 28 && d < 52) }'
if command -v flamegraph.pl >/dev/null; then
	check "flamegraph.pl draws it" \
		sh -c 'flamegraph.pl a.folded | grep -q hot_delta'
else
	skip "flamegraph.pl draws it" "needs flamegraph.pl"
fi
if command -v inferno-flamegraph >/dev/null; then
	check "inferno draws it" \
		sh -c 'inferno-flamegraph a.folded | grep -q hot_delta'
else
	skip "inferno draws it" "needs inferno-flamegraph"
fi
for format in svg:'hot_delta.*</svg>' html:'hot_delta.*</html>' \
	speedscope.json:'"name":"hot_delta"'; do
	quick -o "drawn.${format%%:*}"
	check "-o FILE.${format%%:*} is what its ending says" sh -c \
		'tr -d "\n" <"$1" | grep -q "$2"' sh \
		"drawn.${format%%:*}" "${format#*:}"
done
check "the ending of -o chooses the format" \
	sh -c '"$PSAMPLE" -q -o b.folded -- "$1" 20 && grep -q ";.* [0-9]" \
		b.folded' sh "$programs/threads"
quick -f folded -o -
check "-o - writes to standard output" grep -q hot_delta "$scratch/out"
quick -f text -o text
check "the text format names the hottest function" grep -q hot_delta text

# --- pprof ------------------------------------------------------------
"$PSAMPLE" -q -F 1 -o none.pb.gz -- true >"$scratch/out" 2>"$scratch/err"
# It may be gone before its name is read.
check "without any sample there is a program for pprof to show" sh -c \
	'"$PSAMPLE" report -raw none.pb.gz | grep -E "^1: .*(true|program).*FN"'
quick -o a.pb.gz
check_equal "a pprof profile is written" $? 0
check "it is gzip through and through" gzip -t a.pb.gz
if command -v go >/dev/null; then
	go tool pprof -top -nodecount=20 a.pb.gz >top 2>top.err
	check "go tool pprof -top accepts it" grep -q hot_delta top
	check "go tool pprof -top has nothing to say" [ ! -s top.err ]
	go tool pprof -raw a.pb.gz >raw 2>raw.err
	check "go tool pprof -raw has nothing to say" [ ! -s raw.err ]
	check "both sample types are there" \
		grep -q '^samples/count cpu/nanoseconds' raw
	check "mappings carry names" grep -q 'threads.*\[FN\]' raw
else
	for name in 1 2 3 4 5; do
		skip "go tool pprof $name" "needs go"
	done
fi

# --- names and replacing ----------------------------------------------
mkdir default && cd default || exit 1
quick && quick && quick
check_equal "the default name never overwrites" \
	"$(find . -name '*.pb.gz' | wc -l)" 3
check "the default name tells program and mode" sh -c \
	'ls | grep -q "^psample\.threads\.[0-9]*\.cpu\.[0-9]*\.pb\.gz$"'
cd ..
echo old >b.pb.gz
quick -o b.pb.gz
check "-o replaces what was there" gzip -t b.pb.gz
check_equal "no temporary file stays behind" \
	"$(find . -name '*.tmp*' -o -name '.*b.pb.gz*' | wc -l)" 0

# --- what cannot be written -------------------------------------------
# A program that leaves a trace tells whether it was run.
started=$scratch/started
launch_touch() { # psample's options
	rm -f "$started"
	"$PSAMPLE" "$@" -- touch "$started" >"$scratch/out" \
		2>"$scratch/err" </dev/null
	echo "$?:$([ -e "$started" ] && echo started)"
}
check_equal "a missing directory is an error before the start" \
	"$(launch_touch -o no/such/dir/x.pb.gz)" 125:
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	mkdir locked && chmod 555 locked && chmod 755 "$scratch"
	setpriv --reuid 65534 --clear-groups "$PSAMPLE" -o locked/x.pb.gz \
		-- true >"$scratch/out" 2>"$scratch/err"
	check_equal "a directory one may not write to: 125" $? 125
else
	mkdir locked && chmod 555 locked
	check_equal "a directory one may not write to: 125" \
		"$(launch_touch -o locked/x.pb.gz)" 125:
fi
check "and the reason is told" grep -qi 'permission\|not permitted' \
	"$scratch/err"

# A full disk: the old file stays as it was.
if [ "$(id -u)" = 0 ] && mkdir full 2>/dev/null &&
	mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
	at_exit "umount -l $scratch/full"
	echo old >full/x.pb.gz
	dd if=/dev/zero of=full/ballast bs=1k count=64 2>/dev/null
	"$PSAMPLE" -F 1000 -o full/x.pb.gz -- "$programs/threads" 20 \
		>"$scratch/out" 2>"$scratch/err"
	check "a full disk is an error" [ $? != 0 ]
	check_equal "a full disk leaves the old file" "$(cat full/x.pb.gz)" old
	check_equal "a full disk leaves no torn file" \
		"$(find full -type f | wc -l)" 2
else
	for name in error 'old file' 'torn file'; do
		skip "a full disk: $name" "needs root and tmpfs"
	done
fi

# --- usage ------------------------------------------------------------
usage_errors() { # prints the first command line that does not end with 2
	for options in '--no-such-option' '-F 0' '-F -5' '-F many' '-d 0' \
		'-d soon' '-e lunch' '-f origami' '-p' '-p 0' '-p abc'; do
		rm -f "$started"
		# shellcheck disable=SC2086 # words
		"$PSAMPLE" -o u.pb.gz $options -- touch "$started" \
			>"$scratch/out" 2>"$scratch/err" </dev/null
		status=$?
		[ $status = 2 ] && [ ! -e "$started" ] && continue
		echo "psample $options: status $status"
	done
}
check_equal "bad options end with 2 and start nothing" "$(usage_errors)" ""
says() { # TEXT WORDS...: psample WORDS says TEXT on standard error
	wanted=$1
	shift
	"$PSAMPLE" "$@" </dev/null 2>&1 >"$scratch/out" | grep -qF -e "$wanted"
}
check "a misspelt option is told the right one" \
	says 'did you mean --duration?' --duratoin 5 -- true
check "so is one of report" says 'did you mean --focus?' top --fcous=x f
check "who wants a page of a file is told what there is" \
	says 'psample flamegraph -o x.html' -http=:0 f
check "a misspelt command is told the right one" \
	says 'psample top ...' tpo x.pb.gz
check "help knows the short words of report" sh -c \
	'"$PSAMPLE" help peek | grep -q "usage: psample report"'
check "a second number behind -p is no program" \
	says '-p 12,34' -p 12 34
check "a program without any time is told of -e wall" \
	says '-e wall' -D 10 -o w.pb.gz -- true

# --- dump -------------------------------------------------------------
start_target "$programs/stopcont" 1
# The same process twice, as pidof and a list may give it.
"$PSAMPLE" dump -p "$target_pid $target_pid" >"$scratch/out" 2>"$scratch/err"
check_equal "dump shows stacks, and says nothing else" \
	"$?:$(cat "$scratch/err")" 0:
check "dump shows the threads of the process" sh -c \
	'grep -q "^thread $1 " "$2"' sh "$target_pid" "$scratch/out"
start_target "$programs/truth" churn 5
"$PSAMPLE" dump "$target_pid" >"$scratch/out" 2>"$scratch/err"
check "dump tells in words of threads that were too short for it" sh -c \
	'! grep -F "[unsampled]" "$1" && grep -q "^thread $2 " "$1"' sh \
	"$scratch/out" "$target_pid"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	setpriv --reuid 65534 --clear-groups "$PSAMPLE" -d 0.1 -f text -o - \
		-n '^truth$' >"$scratch/out" 2>"$scratch/err"
	check_equal "-n has one word on all processes of other users" \
		"$(grep -c '^psample: no process .* is yours' \
		"$scratch/err"):$(grep -c '^psample: cannot attach' \
		"$scratch/err")" 1:0
else
	skip "-n has one word on all processes of other users" "needs root"
fi

"$PSAMPLE" >"$scratch/out" 2>"$scratch/err" </dev/null
check_equal "no arguments: usage, status 2" \
	"$?:$(grep -ci '^usage\|usage:' "$scratch/err")" 2:1
check "-q says nothing when all is well" sh -c \
	'[ -z "$("$PSAMPLE" -q -o q.pb.gz -- true 2>&1)" ]'
finish
