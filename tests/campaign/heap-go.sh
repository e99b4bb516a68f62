#!/bin/sh
# SPDX-License-Identifier: MIT
# heap-go.sh - tests/run/heap-go.sh with many versions of Go.
#
# heap-go.sh [GOROOT...]: those that the go command has fetched (go env
# GOMODCACHE, by GOTOOLCHAIN=go1.N.M go version), if none is given. Go 1.12 has
# profiling on in every program, and its stripped programs do not know what is
# inlined: four of the checks are not for it.
. "${top_srcdir:-.}/tests/run/lib.sh"
requires_program go
requires_ptrace
[ $# != 0 ] || set -- "$(go env GOMODCACHE)"/golang.org/toolchain@*
plan $#
for root; do
	[ -x "$root/bin/go" ] || continue
	version=$(GOTOOLCHAIN=local "$root/bin/go" version)
	GOROOT=$root PATH=$root/bin:$PATH sh \
		"$top_srcdir/tests/run/heap-go.sh" >"$scratch/log" 2>&1
	n_ok=$(grep -c '^ok' "$scratch/log")
	allowed=0
	case $version in
	*go1.12.*) allowed=4 ;;
	esac
	diag "$version: $n_ok fine; $(grep '^not ok' "$scratch/log" |
		tr '\n' ';')"
	check "$version" within "$n_ok" $((36 - allowed)) 36
done
finish
