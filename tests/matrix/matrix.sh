# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# matrix.sh - builds a target of one kind, profiles it, and holds what comes
# out against the plan that all targets follow (plan.h). Sourced after lib.sh
# and figures.sh by run/matrix.sh and campaign/matrix.sh, then kinds_*.sh.
#
# A kind is one call: c NAME TITLE SOURCE COMPILER [FLAG...] and its like, and
# where it differs from the others, variables set before it, which are the
# call's own:
#	k_link	who calls f and g		run;[fg]
#	k_root	a frame of every whole stack	main|waiter|_start...
#	k_has	columns that the kind has	names lines inlines wall
#	k_calls	what f and g may call, as leaves
#	k_any	1: other functions count as named, too
#	k_args	of the program, after the seconds
#	k_env	before its command line: env A=B, prlimit ...
#	k_note	what the reader of the row must know
# MATRIX_ONLY selects kinds by shell patterns; each row is a file of its own in
# $rows, so that a matrix can be measured in parts. With MATRIX_BUDGET, in
# seconds, rows are kept that this very psample has measured before, and none
# is begun when the budget is used up.

: "${MATRIX_SECONDS:=1}" "${MATRIX_HZ:=499}" "${MATRIX_ONLY:=*}"
: "${MATRIX_PEERS:=no}" "${MATRIX_BUDGET:=}" "${MATRIX_ROOT:=}"
matrix=$top_srcdir/tests/matrix
work=$scratch/matrix
mkdir -p "$work"
: "${rows:=$scratch/rows}"
mkdir -p "$rows"
export GOCACHE="$go_cache"
kind_number=0 kinds_left=0
any_root='main|waiter|_start|__libc_start_main(_impl)?|_dl_start'
any_root="$any_root|start_thread|__clone3?|clone3?"

reset_kind() {
	k_link='run;[fg]' k_root=$any_root k_calls=none
	k_has='names lines inlines wall' k_args='' k_env='' k_note='' k_any=0
	k_peers=yes k_seconds=${REAL_SECONDS:-4}
}
reset_kind

# --- what the sources say ---------------------------------------------

write_marks() {
	for source in "$matrix"/*.* "$matrix"/*/*.go; do
		awk -v file="${source##*/}" '{
			while (match($0, /@[a-z_]+(:[a-z_]+)?/)) {
				name = substr($0, RSTART + 1, RLENGTH - 1)
				print file ":" FNR, name
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' "$source"
	done >"$work/marks"
}
write_marks

# --- parts ------------------------------------------------------------

# Which psample made a row: CHECKSUM VERSION.
matrix_build="$(cksum <"$PSAMPLE" | cut -d ' ' -f 1) $("$PSAMPLE" --version |
	head -n 1)"
if commit=$(git -C "$top_srcdir" describe --always --tags 2>/dev/null); then
	matrix_build="$matrix_build, commit $commit"
fi
matrix_begin=$(date +%s)

is_for_later() {
	[ -n "$MATRIX_BUDGET" ] || return
	if [ -e "$row.by" ]; then
		row_build=$(cut -d ' ' -f 1 "$row.by")
		[ "$row_build" != "${matrix_build%% *}" ] || return 0
	fi
	[ $(($(date +%s) - matrix_begin)) -ge "$MATRIX_BUDGET" ] || return
	kinds_left=$((kinds_left + 1))
}

# --- one kind ---------------------------------------------------------

# Is it asked for? Sets k_name, k_title, $row.
begin_kind() { # GROUP NAME TITLE
	kind_number=$((kind_number + 1))
	k_name=$2 k_title=$3
	row=$rows/$1.$(printf %03d $kind_number)
	bin=$work/$k_name
	set -f
	for pattern in $MATRIX_ONLY; do
		# shellcheck disable=SC2254 # a pattern on purpose
		case $1/$k_name in
		$pattern)
			set +f
			! is_for_later || break
			rm -f "$row".*
			return 0
			;;
		esac
	done
	set +f
	reset_kind
	return 1
}

has_programs() { # PROGRAM...: or says which is missing
	for program; do
		command -v "$program" >/dev/null && continue
		cannot "needs $program"
		return 1
	done
}

# The kind cannot be measured here.
cannot() { # REASON
	printf '%s\t%s\t%s\n' "$k_name" "$k_title" "$1" >"$row.skip"
	echo "$matrix_build" >"$row.by"
	diag "$k_name: $1"
	reset_kind
}

# build COMMAND...: quietly; what fails is no row
build() {
	"$@" >"$work/build.log" 2>&1 </dev/null && return
	diag_file "$work/build.log" 5
	cannot "cannot be built here: $(grep -m 1 -i error "$work/build.log" |
		sed 's/.*error: *//' | cut -c 1-60)"
	return 1
}

bounded() { # COMMAND...
	timeout -k 5 "${MATRIX_TIMEOUT:-60}" "$@"
}

# Profile the command with OPTIONs; prints what judge.awk prints.
judge() { # OPTIONS COMMAND...
	judge_options=$1
	shift
	forget_lists
	# shellcheck disable=SC2086 # words on purpose
	bounded "$PSAMPLE" $judge_options -F "$MATRIX_HZ" \
		-o "$work/prof.%p" -- $k_env "$@" \
		>"$work/out" 2>"$work/err" </dev/null
	for judge_file in "$work"/prof.*; do
		"$PSAMPLE" raw "$judge_file" >"$work/raw" 2>>"$work/err"
		break
	done
	awk -v root="$k_root" -v link="$k_link" -v calls="$k_calls" \
		-v any=$k_any -v verbose="${MATRIX_VERBOSE:-}" \
		-f "$matrix/judge.awk" "$work/marks" "$work/raw"
}

# Profiles of before, and the lists of functions that their targets left.
forget_lists() {
	for judge_file in "$work"/prof.*; do
		rm -f "$judge_file" "/tmp/perf-${judge_file##*.}.map" \
			"$MATRIX_ROOT/tmp/perf-${judge_file##*.}.map"
	done
}

# Of stacks with run on them, the percentage that has its root too.
perf_rooted() { # COMMAND...
	# shellcheck disable=SC2086
	bounded perf record -q -F "$MATRIX_HZ" -e cpu-clock:u \
		--call-graph dwarf,16384 -o "$work/perf" -- $k_env "$@" \
		>"$work/out" 2>"$work/perf.err" </dev/null || return
	perf_judge "$k_root"
}

perf_judge() { # ROOT
	bounded perf script -i "$work/perf" --no-inline -F ip,sym \
		2>>"$work/perf.err" | awk -v root="$1" '
	function finish() {
		all += path != ""
		rooted += path ~ "[^;]" && path ~ "(^|;)(" root ")(;|$)"
		path = ""
	}
	NF == 0 { finish(); next }
	{
		name = $2
		sub(/\(.*/, "", name)
		sub(/^.*[.:]/, "", name)
		path = name ";" path
	}
	END { finish(); if (all) printf "%.1f", 100 * rooted / all }'
	for perf_pid in $(bounded perf script -i "$work/perf" -F pid \
		2>>"$work/perf.err" | sort -u); do
		rm -f "/tmp/perf-$perf_pid.map"
	done
}

column() { # COLUMN VALUE: in parentheses if the kind does not have it
	case " $k_has " in
	*" $1 "*) echo "$2" ;;
	*) echo "($2)" ;;
	esac
}

# Profile "COMMAND" in both modes, write the row.
measure() { # COMMAND... (without the seconds)
	program=$1
	shift
	# shellcheck disable=SC2086
	set -- "$program" "$@" "$MATRIX_SECONDS" $k_args
	cpu=$(judge '' "$@")
	cp "$work/err" "$work/$k_name.err"
	wall=$(judge '-e wall' "$@" | cut -d ' ' -f 2)
	perf=- libunwind=-
	if [ "$MATRIX_PEERS" = yes ] && [ $k_peers = yes ]; then
		libunwind=$(judge '--unwind libunwind' "$@" |
			cut -d ' ' -f 2)
		! command -v perf >/dev/null || perf=$(perf_rooted "$@")
	fi
	# shellcheck disable=SC2086
	set -- $cpu
	printf '%s\t' "$k_name" "$k_title" "$1" "$2" \
		"$(column wall "$wall")" "$(column names "$3")" \
		"$(column names "$4")" "$(column lines "$5")" \
		"$(column inlines "$6")" "${perf:--}" "$libunwind" \
		>"$row.row"
	printf '%s\n' "$k_note$(unsampled_note "$7")" >>"$row.row"
	echo "$matrix_build" >"$row.by"
	diag "$(tr '\t' '|' <"$row.row")"
	reset_kind
}

unsampled_note() { # PERCENT
	within "$1" 0 5 >/dev/null || printf '%s %% unsampled' "$1"
}
