#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh - the reports of psample against those of go tool pprof.
#
#	compare.sh DIRECTORY [PATTERN]
#
# Shows every profile DIRECTORY/*.pb.gz with every line of combinations,
# DIRECTORY/*.legacy with those of combinations-legacy, and
# each line of merges, by both; their output must be equal byte for byte (of
# compressed output: what it unpacks to), and both must fail or none.
# Differences on the list known-differences must still be there. With PATTERN
# only combinations whose text matches it. $PSAMPLE and $PPROF are the programs.
#
# pprof leaves the order of nodes to chance that have equal weights and equal
# names ("-files" makes many of them). Where it gives another output when run
# again, the same lines in another order are a tie, sum% apart.
#
# With EVERY=N in the environment only one of N is compared, and all that are
# known to differ; with PART=K, 0 being the first, the K-th of each N. KNOWN
# is another list of known differences, for another pprof.
#
# The last line is "N compared, N equal, N ties, N known, N different, N stale".
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
pattern=${2:-.}
: "${PSAMPLE:=psample}" "${PPROF:=go tool pprof}" "${EVERY:=1}" "${PART:=0}"
: "${KNOWN:=$here/known-differences}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
HOME=$scratch
PPROF_TMPDIR=$scratch
export HOME PPROF_TMPDIR
cd "$dir" || exit 1
n_seen=0 n_compared=0 n_equal=0 n_ties=0 n_known=0 n_different=0 n_stale=0
sed '/^#/d; s/ *| */|/g' "$KNOWN" >"$scratch/known"

is_known() { # PROFILE OPTIONS
	while IFS='|' read -r for_profile for_options _; do
		# shellcheck disable=SC2254 # these are patterns
		case $1 in
		$for_profile) ;;
		*) continue ;;
		esac
		# shellcheck disable=SC2254
		case $2 in
		$for_options) return 0 ;;
		esac
	done <"$scratch/known"
	return 1
}

unpack() { # FORMAT FILE: in place
	case $1 in
	-proto | -topproto)
		gzip -dc <"$2" >"$scratch/unpacked" 2>/dev/null
		mv "$scratch/unpacked" "$2" ;;
	esac
}

run_both() { # WORD...
	$PPROF -symbolize=none "$@" >"$scratch/theirs" 2>"$scratch/err1"
	their_status=$?
	case $1 in
	-list=* | -disasm=*) set -- "$@" -pprof_sums ;;
	esac
	"$PSAMPLE" report -symbolize=none "$@" >"$scratch/ours" \
		2>"$scratch/err2"
	our_status=$?
	unpack "$1" "$scratch/theirs"
	unpack "$1" "$scratch/ours"
	[ $((their_status != 0)) = $((our_status != 0)) ] &&
		cmp -s "$scratch/theirs" "$scratch/ours"
}

without_order() { # FILE: also without the numbers of nodes in dot
	sed 's/\<N[0-9_]*//g; s/"node[0-9]*"//' "$1" |
		awk '{ $3 = ""; print }' | sort
}

is_same_but_order() {
	[ "$(without_order "$scratch/theirs")" = \
		"$(without_order "$scratch/ours")" ]
}

# In a tree many nodes have one name, and chance decides which of those with
# equal weights are shown: what is left is how many, and the weights.
weights() { # FILE
	wc -l <"$1"
	grep -o '^\* \* .*\|[0-9.]*[a-zA-Z]* ([0-9.]*%)' "$1" | sort
}

is_tie() { # WORD...
	case " $* " in
	*' -call_tree '*)
		[ "$(weights "$scratch/theirs")" = \
			"$(weights "$scratch/ours")" ] || return 1 ;;
	*)
		is_same_but_order || return 1 ;;
	esac
	# Of two edges, one order comes in about one run of ten.
	tries=60
	while [ "$tries" -gt 0 ]; do
		tries=$((tries - 1))
		$PPROF -symbolize=none "$@" >"$scratch/again" 2>/dev/null
		cmp -s "$scratch/theirs" "$scratch/again" || return 0
	done
	return 1
}

tell_difference() { # PROFILE OPTIONS
	echo "different: $1: $2 (status $their_status, $our_status)"
	diff "$scratch/theirs" "$scratch/ours" | head -n "${LINES_SHOWN:-6}"
	head -n 2 "$scratch/err2"
}

compare() { # PROFILE OPTIONS WORD...
	profile=$1
	options=$2
	shift 2
	n_seen=$((n_seen + 1))
	[ $((n_seen % EVERY)) = "$PART" ] ||
		{ [ "$PART" = 0 ] && is_known "$profile" "$options"; } || return
	n_compared=$((n_compared + 1))
	is_same=no
	! run_both "$@" || is_same=yes
	if is_known "$profile" "$options"; then
		if [ $is_same = no ]; then
			n_known=$((n_known + 1))
		else
			n_stale=$((n_stale + 1))
			echo "known, but equal: $profile: $options"
		fi
	elif [ $is_same = yes ]; then
		n_equal=$((n_equal + 1))
	elif is_tie "$@"; then
		n_ties=$((n_ties + 1))
	else
		n_different=$((n_different + 1))
		tell_difference "$profile" "$options"
	fi
}

grep -v '^#' "$here/combinations" | grep -e "$pattern" >"$scratch/single"
grep -v '^#' "$here/combinations-legacy" | grep -e "$pattern" \
	>"$scratch/legacy"
grep -v '^#' "$here/merges" | grep -e "$pattern" >"$scratch/several"
for file in *.pb.gz; do
	while IFS= read -r options; do
		eval "set -- $options"
		compare "${file%.pb.gz}" "$options" "$@" "$file"
	done <"$scratch/single"
done
for file in *.legacy; do
	while IFS= read -r options; do
		eval "set -- $options"
		compare "${file%.legacy}" "$options" "$@" "$file"
	done <"$scratch/legacy"
done
while IFS= read -r options; do
	words=$(echo "$options" | sed 's/@simple\.pb/simple.pb/g
		s/@\([a-z_0-9]*\.legacy\)/\1/g
		s/@\([a-z_]*\)/\1.pb.gz/g')
	eval "set -- $words"
	compare merge "$options" "$@"
done <"$scratch/several"
echo "$n_compared compared, $n_equal equal, $n_ties ties, $n_known known," \
	"$n_different different, $n_stale stale"
[ $((n_different + n_stale)) = 0 ]
