#!/bin/sh
# SPDX-License-Identifier: MIT
# prompt.sh - the prompt as it is on a terminal: the tab key, history, options
# for one line.
#
# Breaks if a key types something else than a person would expect, or if what
# was typed is forgotten.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 21
cd "$scratch" || exit 1
XDG_STATE_HOME=$scratch/state
export XDG_STATE_HOME
history=$XDG_STATE_HOME/psample_history
cat >x.folded <<'END'
main;work;leaf 60
main;work 25
main;other 10
main 5
END
requires_program python3
type_in() { # TEXT...
	python3 "$top_srcdir/tests/report/prompt.py" "$PSAMPLE" \
		"${profile:-x.folded}" "$@" \
		>said 2>&1
}

type_in 'top1'
if [ ! -e "$history" ]; then
	skip_all "psample was built without libedit"
fi
typed() { # LINE: the last one that was, as libedit writes it
	check_equal "$2" "$(tail -n 1 "$history" | sed 's/\\040/ /g;
		s/\\134/\\/g; s/ *$//')" "$1"
}
type_in 'tra\t'
typed 'traces' "the tab key completes commands"
type_in 'list wor\t'
typed 'list work' "functions"
type_in 'top -eaf\t'
typed 'top -leaf' "functions by any part of their names, also to be ignored"
type_in 'top --nodec\t3'
typed 'top --nodecount 3' "options"
type_in 'granul\t'
typed 'granularity' "settings"
type_in 'sort=c\t'
typed 'sort=cum' "values"
type_in 'focus=oth\t'
typed 'focus=other' "functions as values"
type_in 'help tra\t'
typed 'help traces' "commands that help is asked for"
profile=names.folded
cat >$profile <<'END'
main;pp.(*T).get[int];operator new(unsigned long) 60
END
type_in 'list pp.(\t'
typed 'list pp.\(\*T\).get\[int\]' "names are completed as patterns"
type_in 'list rator\t'
typed 'list operator.new\(unsigned.long\)' "in one word"
type_in 'list operator.new\(\t'
typed 'list operator.new\(unsigned.long\)' "also when that was begun"
profile=x.folded
type_in 'comments' KILL
typed 'comments' "history survives the end by a signal"
check "it is for its owner alone" [ "$(stat -c %a "$history")" = 600 ]

# --- words that are not quite right ----------------------------------------
answers() { # LINE TEXT: what is said of it has TEXT
	echo "$1" | "$PSAMPLE" report -q x.folded >out 2>err
	grep -q -e "$2" err
}
check "a misspelt command is told which was meant" \
	answers 'tpo 3' 'did you mean top?'
check "so is an option" \
	answers 'top --nodecont=3' 'did you mean --nodecount?'
check "and one that is a pattern, having one dash" \
	answers 'top -nodecount=3' 'the option is --nodecount=3'

# --- options for one line --------------------------------------------------
run_line() { # LINE
	echo "$1" | "$PSAMPLE" report -q x.folded 2>&1
}
for command in 'top' 'peek .' 'list .' 'tree' 'traces' 'top --cum'; do
	for option in --nodefraction=0.5 --focus=leaf --unit=kb --cum \
		--nodecount=1 --divide_by=2 --granularity=files --hide=work; do
		[ "$(run_line "$command $option")" != \
			"$(run_line "$command")" ] ||
			echo "$command $option"
	done
done >same
# With these reports these options have nothing to do.
cat >expected <<'END'
list . --cum
list . --granularity=files
list . --nodecount=1
peek . --nodecount=1
top --cum --cum
traces --cum
traces --nodecount=1
traces --nodefraction=0.5
END
sort same | diff expected - >changed
check "an option on a line changes what the line shows" [ ! -s changed ] ||
	diag_file changed
check_equal "and says what is hidden" \
	"$(run_line 'top --nodefraction=0.5' | grep -c '^Dropped 1 node')
$(run_line 'peek --nodefraction=0.5 .' | grep -c '^Hidden 1 function')" "1
1"
# --- the lines that pprof takes for patterns -------------------------------
python3 "$top_srcdir/tests/report/make_profiles.py" .
on_heap() { # LINE...
	printf '%s\n' "$@" | "$PSAMPLE" report -q heap.pb.gz 2>&1
}
check_equal "list --inuse_objects counts objects" \
	"$(on_heap 'list --inuse_objects .')" \
	"$("$PSAMPLE" report -q -inuse_objects -list=. heap.pb.gz)"
check_equal "but only on that line" \
	"$(on_heap 'list --inuse_objects .' 'list .' | grep '^Total')" \
	"$(on_heap 'inuse_objects' 'list .' 'inuse_space' 'list .' |
		grep '^Total')"
check_equal "top 10 --cum is top10 -cum, and others than top10" \
	"$(on_heap 'top 10 --cum' | cksum) $(on_heap top10 | cksum)" \
	"$(on_heap 'top10 -cum' | cksum) $(on_heap 'top 10 --flat' | cksum)"
finish
