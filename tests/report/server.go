// SPDX-License-Identifier: MIT
// server.go - a Go program with net/http/pprof on a port of its own, which it
// prints; it ends with its standard input.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

var sum int

func spin() {
	for {
		for i := 0; i < 1000; i++ {
			sum += i * i
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go spin()
	go http.Serve(listener, nil)
	fmt.Println(listener.Addr())
	io.Copy(io.Discard, os.Stdin)
}
