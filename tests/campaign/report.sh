#!/bin/sh
# SPDX-License-Identifier: MIT
# report.sh - every profile in every combination of report and options, beside
# go tool pprof and, where it can be had, the pprof of google/pprof's main
# branch ($PPROF_MAIN, else what "go install" fetches).
#
#	report.sh [DIRECTORY]	the profiles are kept there
#
# Some ten minutes of a machine with two cores. tests/report/known-differences
# has what may differ, tests/report/known-differences-main what does from the
# main branch only.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
reports=$top/tests/report
build=$(cd "${top_builddir:-$top/build}" && pwd)
: "${PSAMPLE:=$build/psample}" "${PROGRAMS:=$build/tests/programs}"
: "${GOCACHE:=$build/tests/.gocache}"
export PSAMPLE PROGRAMS GOCACHE
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
profiles=${1:-$scratch/profiles}
failed=0

count() { # PATTERN...: the files there are
	find "$profiles" \( -name "$1" -o -name "${2:-$1}" \) | wc -l
}

fetch_main() { # leaves the program in PPROF_MAIN
	[ -z "${PPROF_MAIN:-}" ] || return 0
	GOPATH=$scratch/go GOFLAGS='-mod=mod -modcacherw' GO111MODULE=on \
		go install github.com/google/pprof@latest \
		>"$scratch/fetch" 2>&1 || return
	PPROF_MAIN=$scratch/go/bin/pprof
}

compare() { # NAME PPROF KNOWN
	began=$(date +%s)
	PPROF=$2 KNOWN=$3 sh "$reports/parts.sh" "$profiles" \
		>"$scratch/out" </dev/null || failed=1
	sed '$d' "$scratch/out"
	echo "$1: $(tail -n 1 "$scratch/out"), $(($(date +%s) - began)) s"
}

if ! command -v go >/dev/null || ! command -v python3 >/dev/null; then
	echo "needs go and python3" >&2
	exit 77
fi
sh "$reports/make.sh" "$profiles" || { cat "$profiles/log" >&2; failed=1; }
echo "$(count '*.pb.gz' '*.legacy') profiles:" \
	"$(count 'ps_*') by psample, $(count 'go_*') by Go's runtime," \
	"$(count 'gperf_*') by gperftools, $(count 'old_*') of older" \
	"formats, the others by hand"
echo "$(grep -cv '^#' "$reports/combinations") combinations," \
	"$(grep -cv '^#' "$reports/combinations-legacy") for older formats," \
	"$(grep -cv '^#' "$reports/merges") of several profiles"
program=$(go tool -n pprof 2>/dev/null)
[ -x "$program" ] || program='go tool pprof'
compare "$(go env GOVERSION)'s pprof" "$program" "$reports/known-differences"
if fetch_main; then
	compare "pprof's main branch" "$PPROF_MAIN" \
		"$reports/known-differences-main"
else
	echo "pprof's main branch is not to be had here:"
	tail -n 2 "$scratch/fetch"
fi
exit $failed
