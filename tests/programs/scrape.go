// SPDX-License-Identifier: MIT

// scrape.go - asks for profiles as collectors of other systems do (Parca,
// Grafana Alloy), and is as strict with the answers.
//
//	scrape HOST:PORT [memory]
//
// Each profile is asked for twice over one connection: the collectors' client
// keeps it. CPU time with seconds=, which is the interval (Parca) or one less
// (Alloy), and a timeout 10 s behind that; allocations are subtracted from each
// other by the collector, and may not go backwards.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

var client = &http.Client{Timeout: 12 * time.Second}

func fetch(path string) (*profile.Profile, error) {
	request, err := http.NewRequest("GET", "http://"+os.Args[1]+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "collector/1.0")
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != 200 || len(body) == 0 {
		return nil, fmt.Errorf("%s: %s", answer.Status, body)
	}
	if t := answer.Header.Get("Content-Type"); t != "application/octet-stream" {
		return nil, fmt.Errorf("type %s", t)
	}
	p, err := profile.ParseData(body)
	if err != nil {
		return nil, err
	}
	return p, p.CheckValid()
}

// What the server of such a system would refuse, or drop.
func check(p *profile.Profile, types string) error {
	var got []string
	for _, t := range p.SampleType {
		got = append(got, t.Type+"/"+t.Unit)
	}
	if strings.Join(got, " ") != types {
		return fmt.Errorf("types %v", got)
	}
	if p.TimeNanos == 0 {
		return fmt.Errorf("no time")
	}
	ids := map[uint64]bool{}
	for _, l := range p.Location {
		if l.ID == 0 || ids[l.ID] {
			return fmt.Errorf("location %d", l.ID)
		}
		ids[l.ID] = true
		for _, line := range l.Line {
			if line.Function == nil || line.Function.Name == "" {
				return fmt.Errorf("a function has no name")
			}
		}
	}
	for _, s := range p.Sample {
		if len(s.Location) == 0 || len(s.Value) != len(got) {
			return fmt.Errorf("a sample without a stack, or values")
		}
		for _, v := range s.Value {
			if v < 0 {
				return fmt.Errorf("a value of %d", v)
			}
		}
	}
	return nil
}

func sums(p *profile.Profile) map[string]int64 {
	result := map[string]int64{}
	for _, s := range p.Sample {
		var key []string
		for _, l := range s.Location {
			key = append(key, fmt.Sprint(l.Address))
		}
		result[strings.Join(key, " ")] += s.Value[0]
	}
	return result
}

func scrape(path, types string, grows bool) error {
	var last map[string]int64
	for i := 0; i < 2; i++ {
		p, err := fetch(path)
		if err == nil {
			err = check(p, types)
		}
		if err == nil && len(p.Sample) == 0 {
			err = fmt.Errorf("no samples")
		}
		if err != nil {
			return err
		}
		now := sums(p)
		for key, was := range last {
			// Sampled counts are scaled anew each time.
			if grows && now[key] < was-was/100-1 {
				return fmt.Errorf("%d, then %d", was, now[key])
			}
		}
		last = now
	}
	return nil
}

func main() {
	const cpu = "samples/count cpu/nanoseconds"
	const memory = "alloc_objects/count alloc_space/bytes " +
		"inuse_objects/count inuse_space/bytes"
	paths := map[string]string{
		"/debug/pprof/profile?seconds=2": cpu,
		"/debug/pprof/goroutine":         "goroutine/count",
	}
	if len(os.Args) > 2 {
		paths["/debug/pprof/allocs"] = memory
		paths["/debug/pprof/heap"] = memory
	}
	var names []string
	for path := range paths {
		names = append(names, path)
	}
	sort.Strings(names)
	for _, path := range names {
		if err := scrape(path, paths[path],
			strings.HasSuffix(path, "allocs")); err != nil {
			fmt.Println(path, err)
			os.Exit(1)
		}
		fmt.Println(path, "ok")
	}
}
