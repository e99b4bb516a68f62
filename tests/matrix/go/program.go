// SPDX-License-Identifier: MIT
// program.go - main for plan.go: a thread waits in a system call of its own, so
// that wall mode has something to show.

//go:build !archive
// +build !archive

package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
)

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
