// SPDX-License-Identifier: MIT

// pprof_server.go - a Go program with net/http/pprof, to compare with: it
// works, and prints its port.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

var kept [][]byte

func work() {
	for {
		kept = append(kept, make([]byte, 4096))
		if len(kept) > 1000 {
			kept = nil
		}
		for i := range kept {
			kept[i][0]++
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go work()
	http.Serve(listener, nil)
}
