#!/bin/sh
# SPDX-License-Identifier: MIT
# go.sh - psample and Go's own runtime/pprof profile one run of one program,
# and agree on the shares of its functions, with symbols and without.
#
# Breaks if Go's frames are lost or misnamed: at the change of stacks, in
# assembly, where the collector runs, in inlined and generic functions.
# tests/campaign/go.sh does so for each Go that it finds.
: "${GO_SECONDS:=4}" "${GO_POINTS:=8}" "${GO_COMMANDS:=go}" "${GO_ROOTED:=90}"
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/figures.sh"
export GOCACHE="$go_cache"
count=0
for go in $GO_COMMANDS; do
	count=$((count + 2))
done
plan $((count * 5))
requires_ptrace
# shellcheck disable=SC2086 # a list
requires_program $GO_COMMANDS

# The leaf of a preempted function is the function; generic ones are told
# apart by their shapes, or not. Go does not see the handler of its own signal.
clean() { # PROFILE
	"$PSAMPLE" folded "$1" 2>/dev/null | sed -e 's/\[[^];]*\]//g' \
		-e 's/;runtime\.sig\(tramp\|return\)[^ ]* / /' \
		-e 's/\(;runtime\.asyncPreempt\)* \([0-9]*\)$/ \2/'
}

# "leaf|any NAME SHARE" of all functions
shares() { # FOLDED
	awk '{
		value = $NF
		sub(/ [0-9]+$/, "")
		n = split($0, frame, ";")
		total += value
		sum["leaf " frame[n]] += value
		for (i = 1; i <= n; i++)
			if (!seen[NR, frame[i]]++)
				sum["any " frame[i]] += value
	}
	END {
		for (name in sum)
			print name, 100 * sum[name] / total
	}' "$1"
}

# Of the program's functions, and of leaves of the runtime with 5 % and more:
# how far the shares are apart, the largest difference last.
differences() {
	shares "$scratch/own" >"$scratch/own.shares"
	shares "$scratch/got" | awk -v own="$scratch/own.shares" \
		-v hidden="$hidden" '
	BEGIN {
		while ((getline line <own) > 0) {
			split(line, f, " ")
			truth[f[1] " " f[2]] = f[3]
		}
	}
	{ got[$1 " " $2] = $3 }
	END {
		for (name in truth) {
			if (name !~ /main\.[a-z]/ && truth[name] < 5)
				continue
			# Go leaves out wrappers of methods, as of Less here;
			# its one timer for all threads, before 1.18, meets
			# those that wake
			if (name ~ /^leaf (sort\.|runtime\.futex$)/)
				continue
			if (hidden && index(name, hidden))
				continue
			# what the runtime adds to the whole is not the same:
			# its own clock does not see its short threads
			if (name ~ /^any / && name !~ /main\.[a-z]/ ||
			    name == "any main.work")
				continue
			d = got[name] - truth[name]
			printf "%.1f %s: psample %.1f, Go %.1f\n", \
				d < 0 ? -d : d, name, got[name], truth[name]
		}
	}' | sort -n
}

compare() { # GO LABEL FLAG...
	go=$1 label="$(GOENV=off GOFLAGS='' "$1" version | cut -d ' ' -f 3)$2"
	shift 2
	# What is inlined has no name in stripped programs before Go 1.18.
	hidden=
	case $label in
	go1.1[0-7]*stripped) hidden=main.multiply ;;
	esac
	# shellcheck disable=SC2086 # none, or one
	GO111MODULE=off GOTOOLCHAIN=local GOENV=off GOFLAGS='' \
		"$go" build \
		-o "$scratch/goself" "$@" "$top_srcdir/tests/matrix/goself.go" \
		>"$scratch/build" 2>&1
	check_equal "$label: it is built" "$(head -n 3 "$scratch/build")" ""
	"$PSAMPLE" -F 499 -o "$scratch/got.pb.gz" -- "$scratch/goself" \
		"$GO_SECONDS" "$scratch/own.pb.gz" 500 \
		>"$scratch/out" 2>"$scratch/err" </dev/null
	check_equal "$label: it ends well" $? 0
	clean "$scratch/got.pb.gz" >"$scratch/got"
	clean "$scratch/own.pb.gz" >"$scratch/own"
	differences >"$scratch/differences"
	tail -n 3 "$scratch/differences" | sed "s/^/# $label: /"
	check "$label: all of its functions are compared" within \
		"$(grep -c 'any main\.' "$scratch/differences")" 6 40
	check "$label: shares are those of Go's own profile" within \
		"$(tail -n 1 "$scratch/differences" | cut -d ' ' -f 1)" \
		0 "$GO_POINTS"
	check "$label: stacks go to their root" within \
		"$(summary_rooted "$scratch/err")" "$GO_ROOTED" 100
}

for go in $GO_COMMANDS; do
	compare "$go" ''
	compare "$go" ', stripped' -ldflags '-s -w'
done
finish
