// SPDX-License-Identifier: MIT
// plan.go - run is in Go, f and g are in C, on the system stack of a thread.
package main

/*
#include <stdint.h>
#define KEEP __attribute__((noinline, noclone, used))
static inline __attribute__((always_inline)) uint64_t f_inner(uint64_t n)
{
	uint64_t x = n;

	while (n--) {						// @f_inner
		x = x * 6364136223846793005u + 1442695040888963407u;// @f_inner
		__asm__ volatile("" : "+r"(x));			// @f_inner
	}
	return x;
}
static inline __attribute__((always_inline)) uint64_t g_inner(uint64_t n)
{
	uint64_t x = n;

	while (n--) {						// @g_inner
		x = x * 6364136223846793005u + 3037000493u;	// @g_inner
		__asm__ volatile("" : "+r"(x));			// @g_inner
	}
	return x;
}
static KEEP uint64_t f(uint64_t n)
{
	return f_inner(n) + 1;					// @f
}
static KEEP uint64_t g(uint64_t n)
{
	return g_inner(n) + 2;					// @g
}
*/
import "C"

import (
	"os"
	"strconv"
	"time"
)

//go:noinline
func run(seconds float64) uint64 {
	end := time.Now().Add(time.Duration(seconds * 1e9))
	sum := C.uint64_t(0)
	for time.Now().Before(end) {
		sum += C.f(60000)
		sum += C.g(40000)
	}
	return uint64(sum)
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	if run(seconds) == 42 {
		os.Exit(1)
	}
}
