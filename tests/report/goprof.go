// SPDX-License-Identifier: MIT
// goprof.go - a Go program that profiles itself: CPU with labels, heap,
// goroutines, locks and threads.
//
//	goprof DIRECTORY: go_cpu.pb.gz, go_heap.pb.gz, ..., and as text
//	go_heap.legacy, go_mutex.legacy, ...
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strings"
	"sync"
	"time"
)

var (
	table map[int]string
	kept  [][]byte
)

func fill(n int) {
	table = map[int]string{}
	for i := 0; i < n; i++ {
		table[i] = fmt.Sprintf("%d-%s", i, strings.Repeat("x", i%17))
	}
}

func sortNumbers(n int) {
	a := make([]int, n)
	for i := range a {
		a[i] = (i * 7919) % 10007
	}
	sort.Ints(a)
}

func even(n int) int {
	if n == 0 {
		sum := 0
		for i := 0; i < 2000; i++ {
			sum += i * i
		}
		return sum
	}
	return odd(n-1) + odd(n-2*(n/2)-n%2)
}

func odd(n int) int {
	if n <= 0 {
		return 1
	}
	return even(n - 1)
}

func allocate() {
	for i := 0; i < 3000; i++ {
		kept = append(kept, make([]byte, 100+i%5000))
	}
	if len(kept) > 30000 {
		kept = kept[:5000]
	}
}

func labelled(f func(), labels ...string) {
	pprof.Do(context.Background(), pprof.Labels(labels...),
		func(context.Context) { f() })
}

func write(dir, name, ending string, debug int) {
	f, err := os.Create(dir + "/go_" + name + ending)
	if err == nil {
		err = pprof.Lookup(name).WriteTo(f, debug)
	}
	if err != nil {
		panic(err)
	}
	f.Close()
}

func waitForLocks() {
	var lock sync.Mutex
	var all sync.WaitGroup
	for i := 0; i < 4; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < 20; k++ {
				lock.Lock()
				time.Sleep(time.Millisecond)
				lock.Unlock()
			}
		}()
	}
	all.Wait()
}

func main() {
	dir := os.Args[1]
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	waitForLocks()
	f, err := os.Create(dir + "/go_cpu.pb.gz")
	if err != nil {
		panic(err)
	}
	pprof.StartCPUProfile(f)
	end := time.Now().Add(time.Second)
	for time.Now().Before(end) {
		labelled(func() { fill(3000) }, "phase", "fill", "who", "a")
		labelled(func() { sortNumbers(20000) }, "phase", "sort")
		even(20)
		allocate()
	}
	pprof.StopCPUProfile()
	f.Close()
	runtime.GC()
	for _, name := range []string{"heap", "allocs", "goroutine",
		"threadcreate", "block", "mutex"} {
		write(dir, name, ".pb.gz", 0)
		write(dir, name, ".legacy", 1)
	}
}
