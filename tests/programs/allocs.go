// SPDX-License-Identifier: MIT
//
// allocs.go - allocates at known sites, and tells how much there was of it.
//
//	allocs SECONDS [PROFILE]
//
// Shares of the bytes: small 19, medium 44, large (through an inlined
// function) 38 percent; what leak() makes stays in use. Ten times a second
// one line "NANOSECONDS TotalAlloc Mallocs". With PROFILE, runtime/pprof's
// own heap profile goes there at the end.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

type node struct {
	next *node
	data [48]byte
}

var sink []byte
var keep *node

// Set by profile.go where the program is built with runtime/pprof.
var writeProfile func(name string)

//go:noinline
func small(n int) {
	for i := 0; i < n; i++ {
		sink = make([]byte, 64)
	}
}

//go:noinline
func medium(n int) {
	for i := 0; i < n; i++ {
		sink = make([]byte, 1024)
	}
}

func inlined() []byte { return make([]byte, 32768) }

//go:noinline
func large(n int) {
	for i := 0; i < n; i++ {
		sink = inlined()
	}
}

//go:noinline
func leak(n int) {
	for i := 0; i < n; i++ {
		keep = &node{next: keep}
	}
}

func tell() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Println(time.Now().UnixNano(), m.TotalAlloc, m.Mallocs)
}

func main() {
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	end := time.Now().Add(time.Duration(seconds * 1e9))
	fmt.Println("ready")
	tell()
	for last := time.Now(); time.Now().Before(end); {
		small(2000)
		medium(300)
		large(8)
		leak(50)
		time.Sleep(500 * time.Microsecond)
		if time.Since(last) > 100*time.Millisecond {
			last = time.Now()
			tell()
		}
	}
	tell()
	if len(os.Args) > 2 && writeProfile != nil {
		writeProfile(os.Args[2])
	}
}
