// SPDX-License-Identifier: MIT
// server.go - a small web service, for the matrix of real programs: JSON in
// and out, a template, a hash, garbage; it prints its address.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"sort"
)

type item struct {
	Name  string
	Price float64
	Tags  []string
}

var page = template.Must(template.New("page").Parse(
	`<h1>{{len .}}</h1>{{range .}}<p>{{.Name}}: {{.Price}}{{end}}`))

func items(n int) []item {
	list := make([]item, n)
	for i := range list {
		list[i] = item{fmt.Sprintf("item %d", i*7919%n),
			float64(i) / 3, []string{"a", "b"}}
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Name < list[j].Name
	})
	return list
}

func serveJSON(w http.ResponseWriter, r *http.Request) {
	data, _ := json.Marshal(items(100))
	var back []item
	if json.Unmarshal(data, &back) == nil {
		fmt.Fprintf(w, "%x %s", sha256.Sum256(data), data)
	}
}

func servePage(w http.ResponseWriter, r *http.Request) {
	page.Execute(w, items(50))
}

func main() {
	http.HandleFunc("/json", serveJSON)
	http.HandleFunc("/", servePage)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	http.Serve(listener, nil)
}
