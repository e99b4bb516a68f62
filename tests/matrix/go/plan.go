// SPDX-License-Identifier: MIT
// plan.go - the plan of plan.h in Go: a thread waits in a system call of its
// own, so that wall mode has something to show.
package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

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

//go:noinline
func wait_here(fd int) int {
	n, _ := syscall.Read(fd, make([]byte, 1))
	return n
}

//go:noinline
func waiter(fd int, done chan int) {
	runtime.LockOSThread()
	done <- wait_here(fd)
}

func main() {
	seconds := 1.0
	if len(os.Args) > 1 {
		seconds, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	var fds [2]int
	if syscall.Pipe(fds[:]) != nil {
		os.Exit(1)
	}
	done := make(chan int)
	go waiter(fds[0], done)
	sum := run(seconds)
	syscall.Close(fds[1])
	<-done
	if sum == 42 {
		os.Exit(1)
	}
}
