// SPDX-License-Identifier: MIT
// archive.go - what a main in C (c/main.c) calls of plan.go: callbacks.

//go:build archive
// +build archive

package main

import "C"

//export plan_run
func plan_run(seconds float64) uint64 {
	return run(seconds)
}

func main() {}
