// SPDX-License-Identifier: MIT
//
// allocs_pprof.go - beside allocs.go: the program's own heap profile.
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

func init() {
	writeProfile = func(name string) {
		f, err := os.Create(name)
		if err != nil {
			panic(err)
		}
		runtime.GC() // publishes what came before
		runtime.GC()
		if err := pprof.WriteHeapProfile(f); err != nil {
			panic(err)
		}
		f.Close()
	}
}
