#!/bin/sh
# SPDX-License-Identifier: MIT
# report.sh - reports equal those of go tool pprof, for profiles of many
# producers; what is no profile is refused; folded stacks are read.
#
# Breaks if a number, a blank or the order of anything in a report differs
# from pprof's and is not on the list tests/report/known-differences.
. "${top_srcdir:-.}/tests/run/lib.sh"
reports=$top_srcdir/tests/report
plan 47
cd "$scratch" || exit 1

# --- words ------------------------------------------------------------
cat >x.folded <<'END'
main;work;leaf 60
main;work 25
main;other name;leaf 10
main 5
END
wanted='File: x
Type: samples
Showing nodes accounting for 100, 100% of 100 total
      flat  flat%   sum%        cum   cum%
        70 70.00% 70.00%         70 70.00%  leaf
        25 25.00% 95.00%         85 85.00%  work
         5  5.00%   100%        100   100%  main
         0     0%   100%         10 10.00%  other name'
wanted=$(echo "$wanted" | sed 1d)
check_equal "folded stacks are read" \
	"$("$PSAMPLE" report -top x.folded)" "$wanted"
check_equal "also from standard input" \
	"$("$PSAMPLE" report -top - <x.folded)" "$wanted"
check_equal "a report is a command" "$("$PSAMPLE" top x.folded)" "$wanted"
check_equal "a report's option may come first" \
	"$("$PSAMPLE" -top x.folded)" "$wanted"
"$PSAMPLE" -output first.txt --top x.folded 2>err
check_equal "so it may behind an option that record has as well" \
	"$(cat first.txt)" "$wanted"
check_equal "and so may the command" "$("$PSAMPLE" -q top x.folded)" "$wanted"
check_equal "two dashes are as good as one, '-' as good as '_'" \
	"$("$PSAMPLE" top --sample-index samples x.folded --nodecount=9)" \
	"$("$PSAMPLE" top -sample_index=0 x.folded)"
check_equal "a report takes its argument as a word" \
	"$("$PSAMPLE" peek leaf x.folded)" \
	"$("$PSAMPLE" report -peek=leaf x.folded)"
"$PSAMPLE" report -proto x.folded >x.pb.gz
check_equal "a profile goes through the format of pprof unchanged" \
	"$("$PSAMPLE" top x.pb.gz)" "$wanted"
"$PSAMPLE" tree -o out.txt x.folded 2>err
check "-o writes a file" grep -q 'other name' out.txt
check "and says so" grep -q 'Generating report in out.txt' err

# --- the prompt ---------------------------------------------------------
printf 'top1\ntop --nodecount=2 --cum\nleaf=x\nmean_samples\no\n' |
	"$PSAMPLE" x.folded >out 2>err
check_equal "commands are read from what is no terminal" \
	"$(grep -c leaf out)" 1
check "options with two dashes are for their line" \
	[ "$(tail -n 2 out | awk '{ print $6 }' | xargs)" = 'main work' ]
check "an unknown command is told" grep -q 'unrecognized command' err
check "options shows what was set" grep -q '^  mean  *= true' err
check "a line may go to a program" [ "$(echo 'top1 | wc -l' |
	"$PSAMPLE" report -q x.folded 2>/dev/null | xargs)" = 4 ]

# --- pictures -----------------------------------------------------------
"$PSAMPLE" flamegraph -q -o f.svg x.folded
"$PSAMPLE" flamegraph -q -o f.html x.folded
check "a flame graph has a box for each frame" \
	[ "$(grep -c '<rect' f.svg):$(grep -c '<rect' f.html)" = 6:6 ]

# --- several profiles ---------------------------------------------------
cat >y.folded <<'END'
main;work;leaf 75
main;work 25
END
"$PSAMPLE" merge -q -o both.pb.gz x.folded y.folded
check_equal "merge adds up" "$("$PSAMPLE" top -cum both.pb.gz |
	awk '$6 == "work" { print $4 }')" 185
for ending in folded svg html json dot callgrind txt raw; do
	"$PSAMPLE" convert -q both.pb.gz -o "c.$ending" || break
done
check "convert knows what endings mean" [ -s c.raw ]
check_equal "convert to folded stacks keeps every sample" \
	"$(sort c.folded | xargs -d '\n')" \
	"$(printf '%s\n' 'main 5' 'main;other name;leaf 10' 'main;work 50' \
		'main;work;leaf 135' | xargs -d '\n')"
check "speedscope gets valid JSON" python3 -m json.tool c.json /dev/null
"$PSAMPLE" diff --fail-above 20 x.folded y.folded >out 2>err
check_equal "diff is content with little growth" $? 0
"$PSAMPLE" diff --fail-above 10 x.folded y.folded >out 2>err
check_equal "diff tells of too much growth" "$? $(grep -c grew err)" '3 1'
check "info tells how deep stacks are" \
	sh -c '"$PSAMPLE" info both.pb.gz | grep -q " 3 at most"'

# --- refusals ---------------------------------------------------------
refuses() { # STATUS FILE TEXT: its message has TEXT
	"$PSAMPLE" top "$2" >out 2>err
	refuse_status=$?
	[ "$refuse_status" = "$1" ] && grep -q -e "$3" err && [ ! -s out ]
}
: >empty
check "an empty file is refused" refuses 1 empty 'empty input file'
echo 'no profile at all' >text
printf 'heap profile: 1: 2 [1: 2] @ heapprofile\n0: 5 [0: 0] @ 0x1\n' >bad
check "a broken sample of an older format is refused" \
	refuses 1 bad 'malformed sample: line 2'
check "text is refused" refuses 1 text 'unrecognized profile format'
head -c 30 x.pb.gz >cut.pb.gz
check "a file that was cut off is refused" refuses 1 cut.pb.gz damaged
check "a file that is not there is refused" refuses 1 missing missing
head -c 100000000 /dev/zero | gzip -9 >bomb.pb.gz
check "what unpacks to far too much is refused" refuses 1 bomb.pb.gz \
	'would grow beyond 64 MiB'
"$PSAMPLE" top -focus='(' x.folded >out 2>err
check "a bad pattern is refused" grep -q 'parsing focus regexp' err
"$PSAMPLE" report -top -tree x.folded >out 2>err
check_equal "two reports at once are refused" $? 2

# --- the same as pprof ------------------------------------------------
for need in go python3; do
	command -v $need >/dev/null || skip_all "needs $need"
done
GOCACHE=$go_cache PROGRAMS=$programs sh "$reports/make.sh" profiles
check_equal "profiles are made by who can make any" $? 0 ||
	diag_file profiles/log
made_by() { # NAME PATTERN...
	check "profiles are made $1" sh -c 'cd profiles && shift &&
		for f; do [ -s "$f" ] || exit; done' sh "$@"
}
made_by "by hand" simple.pb.gz folded.pb.gz
made_by "by Go" go_threadcreate.pb.gz go_mutex.legacy
made_by "by hand in older formats" old_growth.legacy
if [ -s profiles/gperf_growth.legacy ] ||
	! grep -q 'tcmalloc' profiles/log; then
	made_by "by gperftools" gperf_growth.legacy
else
	skip "profiles are made by gperftools" "needs gperftools"
fi
if [ -s profiles/ps_cpu.pb.gz ]; then
	made_by "by psample" ps_threads.pb.gz ps_children.pb.gz
else
	skip "profiles are made by psample" "ptrace is not permitted here"
fi
PPROF=$(GOCACHE=$go_cache go tool -n pprof 2>/dev/null) || PPROF=
[ -x "$PPROF" ] || PPROF='go tool pprof'
export PPROF
: "${EVERY:=24}"	# ./dev campaign report compares all
export EVERY
sh "$reports/compare.sh" profiles </dev/null >compared 2>&1
result=$(tail -n 1 compared)
diag "$result"
check "reports of all kinds were compared" \
	[ "${result%% compared*}" -ge $((6000 / EVERY)) ]
check "all reports are those of go tool pprof, or known to differ" \
	sh -c 'case $1 in *" 0 different, 0 stale") ;; *) exit 1 ;; esac' \
	sh "$result" || diag_file compared 60
ours=$("$PSAMPLE" report -pprof_sums -symbolize=none \
	profiles/labels.pb.gz \
	<"$reports/commands" 2>/dev/null)
theirs=$($PPROF -symbolize=none profiles/labels.pb.gz <"$reports/commands" \
	2>/dev/null | sed 's/(pprof) //g')
check_equal "commands at the prompt give what pprof's prompt gives" \
	"$ours" "$theirs"
list_cums() { # OPTION...: of the functions in recursion.pb.gz
	for f in f g main; do
		"$PSAMPLE" list "^$f\$" -unit=ms "$@" \
			profiles/recursion.pb.gz 2>/dev/null |
			awk '/flat, cum/ { print $2 }'
	done
}
top_cums() {
	for f in f g main; do
		"$PSAMPLE" top -trim=false -unit=ms "$@" \
			profiles/recursion.pb.gz |
			awk -v f="$f" '$6 == f { print $4 }'
	done
}
check_equal "list counts recursion as top does" "$(list_cums)" "$(top_cums)"
check_equal "with --mean it shows averages as top does" \
	"$(list_cums -mean)" "$(top_cums -mean)"
functions_of() { # OPTION...: of drop_frames.pb.gz
	"$PSAMPLE" top -trim=false "$@" profiles/drop_frames.pb.gz |
		awk 'NR > 6 { print $6 }' | sort -u >functions
	wc -l <functions
}
check "--all-frames shows those that the profile says to drop" \
	[ "$(functions_of -all_frames)" -gt "$(functions_of)" ]
"$PSAMPLE" top -mean_delay profiles/go_mutex.pb.gz >out
check_equal "--mean-delay is the mean of the delays" "$(cat out)" \
	"$("$PSAMPLE" top -mean -sample_index=delay profiles/go_mutex.pb.gz)"
check_equal "names of C++ are simplified as pprof does" \
	"$("$PSAMPLE" top -trim=false profiles/names.pb.gz 2>/dev/null)" \
	"$($PPROF -top -trim=false profiles/names.pb.gz 2>/dev/null)"
check "the list of known differences has reasons" \
	[ "$(grep -cv '^#\|.|.*|.' "$reports/known-differences")" = 0 ]
finish
