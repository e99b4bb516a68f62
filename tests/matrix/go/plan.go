// SPDX-License-Identifier: MIT
// plan.go - run, f and g of plan.h in Go, for a main in Go (program.go) or in
// C (archive.go).
package main

import "time"

const multiplier = 6364136223846793005

func f_inner(n uint64) uint64 {
	x := n
	for ; n > 0; n-- { // @f_inner
		x = x*multiplier + 1442695040888963407 // @f_inner
	}
	return x
}

func g_inner(n uint64) uint64 {
	x := n
	for ; n > 0; n-- { // @g_inner
		x = x*multiplier + 3037000493 // @g_inner
	}
	return x
}

//go:noinline
func f(n uint64) uint64 {
	return f_inner(n) + 1 // @f
}

//go:noinline
func g(n uint64) uint64 {
	return g_inner(n) + 2 // @g
}

//go:noinline
func run(seconds float64) uint64 {
	end := time.Now().Add(time.Duration(seconds * 1e9))
	sum := uint64(0)
	for time.Now().Before(end) {
		sum += f(60000) // @run:f
		sum += g(40000) // @run:g
	}
	return sum
}
