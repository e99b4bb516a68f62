// SPDX-License-Identifier: MIT
// goself.go - a Go program that profiles itself, for psample to be held against:
// goself SECONDS FILE [HZ].
//
// Two goroutines go through the same work: plain loops, one of them inlined,
// sorting by an interface, a map, allocation with the collector behind it,
// and an assembly function of the library. HZ is the rate of the runtime's own
// profile, which it writes to FILE.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strconv"
	"sync"
	"time"
)

type node struct {
	left, right *node
}

func multiply(n uint64) uint64 {
	x := n
	for ; n > 0; n-- {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

//go:noinline
func inlining(n uint64) uint64 {
	return multiply(n) + 1
}

//go:noinline
func plain(n uint64) uint64 {
	x := n
	for ; n > 0; n-- {
		x ^= x<<13 | n
		x ^= x >> 7
	}
	return x
}

//go:noinline
func sorting(numbers []int) int {
	for i := range numbers {
		numbers[i] = (i * 7919) % 10007
	}
	sort.Ints(numbers)
	return numbers[0]
}

//go:noinline
func counting(n int) int {
	seen := map[int]int{}
	for i := 0; i < n; i++ {
		seen[i%509]++
	}
	return len(seen)
}

//go:noinline
func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

//go:noinline
func hashing(block []byte) byte {
	sum := sha256.Sum256(block)
	return sum[0]
}

func work(end time.Time, done *sync.WaitGroup) {
	numbers := make([]int, 3000)
	block := make([]byte, 100000)
	for time.Now().Before(end) {
		inlining(300000)
		plain(200000)
		sorting(numbers)
		counting(20000)
		tree(11)
		hashing(block)
	}
	done.Done()
}

func main() {
	if len(os.Args) < 3 {
		os.Exit(2)
	}
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	file, err := os.Create(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if len(os.Args) > 3 {
		hz, _ := strconv.Atoi(os.Args[3])
		runtime.SetCPUProfileRate(hz) // stays, with a complaint
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var done sync.WaitGroup
	end := time.Now().Add(time.Duration(seconds * 1e9))
	for i := 0; i < 2; i++ {
		done.Add(1)
		go work(end, &done)
	}
	done.Wait()
	pprof.StopCPUProfile()
	file.Close()
}
