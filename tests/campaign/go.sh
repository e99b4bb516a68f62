#!/bin/sh
# SPDX-License-Identifier: MIT
# go.sh - tests/run/go.sh for 20 s and within 3 points, with each Go there is:
# that of PATH, and the toolchains that it has downloaded before.
GO_SECONDS=${GO_SECONDS:-20} GO_POINTS=${GO_POINTS:-3} GO_ROOTED=95
: "${GO_COMMANDS:=go $(ls -d \
	"$(go env GOMODCACHE)"/golang.org/toolchain@*/bin/go)}"
export GO_SECONDS GO_POINTS GO_COMMANDS GO_ROOTED
exec sh "${top_srcdir:-.}/tests/run/go.sh"
