#!/bin/sh
# SPDX-License-Identifier: MIT
# standalone.sh - build pprof as it is outside of Go: with objdump and nm.
#
#	standalone.sh OUTPUT
#
# go tool pprof disassembles by itself; the pprof that everybody else runs has
# the same sources, which come with Go, and calls objdump. No network is used.
set -eu
output=$1
goroot=$(go env GOROOT)
vendored=$goroot/src/cmd/vendor/github.com
[ -d "$vendored/google/pprof" ]
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src/github.com" "$work/src/main"
cp -r "$vendored/google" "$vendored/ianlancetaylor" "$work/src/github.com"
cat >"$work/src/main/main.go" <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/google/pprof/driver"
)

func main() {
	if err := driver.PProf(&driver.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, "pprof:", err)
		os.Exit(2)
	}
}
END
cd "$work/src/main"
GOPATH=$work GO111MODULE=off GOFLAGS='' GOCACHE=${GOCACHE:-$work/cache} \
	go build -o "$output" .
