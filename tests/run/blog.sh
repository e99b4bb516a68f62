#!/bin/sh
# SPDX-License-Identifier: MIT
# blog.sh - the steps of "Profiling Go Programs" (go.dev/blog/pprof), from
# outside: a program that looks up too much in maps, its profile, its repair.
#
# Breaks if a deep recursion of Go is cut off (in the article main has 84.9 %,
# since stacks ended after 100 frames), or if a command of the article fails.
. "${top_srcdir:-.}/tests/run/lib.sh"
plan 15
requires_program go
requires_ptrace
cd "$scratch" || exit 1
unset DISPLAY WAYLAND_DISPLAY
export GOCACHE="$go_cache" GO111MODULE=off GOFLAGS=''

# A graph whose blocks are numbered by a search in depth, again and again.
cat >loops.go <<'END'
package main

import "fmt"

type Block struct {
	id   int
	next []*Block
}

type Graph struct{ blocks []*Block }

func NewGraph(n int) *Graph {
	g := &Graph{}
	for i := 0; i < n; i++ {
		g.blocks = append(g.blocks, &Block{id: i})
	}
	for i, b := range g.blocks {
		b.next = append(b.next, g.blocks[(i+1)%n])
		b.next = append(b.next, g.blocks[(i*7+3)%n])
	}
	return g
}

//go:noinline
func DFS(b *Block, number NUMBERS, last []int, current int) int {
	SET
	n := current
	for _, target := range b.next {
		if GET == -1 {
			n = DFS(target, number, last, n+1)
		}
	}
	last[current] = n
	return n
}

func FindLoops(g *Graph) int {
	number := MAKE
	last := make([]int, len(g.blocks))
	for _, b := range g.blocks {
		CLEAR
	}
	return DFS(g.blocks[0], number, last, 0)
}

func main() {
	g := NewGraph(2000)
	sum := 0
	for i := 0; i < ROUNDS; i++ {
		sum += FindLoops(g)
	}
	fmt.Println(sum)
}
END
sed 's/NUMBERS/map[*Block]int/; s/SET/number[b] = current/
	s/GET/number[target]/; s/CLEAR/number[b] = -1/
	s/MAKE/make(map[*Block]int)/; s/ROUNDS/8000/' loops.go >with_map.go
sed 's/NUMBERS/[]int/; s/SET/number[b.id] = current/
	s/GET/number[target.id]/; s/CLEAR/number[b.id] = -1/
	s/MAKE/make([]int, len(g.blocks))/; s/ROUNDS/8000/' \
	loops.go >with_slice.go
for program in with_map with_slice; do
	go build -o $program $program.go >go.log 2>&1 || {
		diag_file go.log
		skip_all "go cannot build here"
	}
	GOGC=off "$PSAMPLE" -q -F 250 -d 8 -o $program.pb.gz -- ./$program \
		>/dev/null 2>&1 </dev/null
done
check "the programs were profiled from outside" \
	[ -s with_map.pb.gz ] && [ -s with_slice.pb.gz ]

share() { # FUNCTION COLUMN PROFILE [OPTION...]: the column of top
	f=$1 c=$2 p=$3
	shift 3
	"$PSAMPLE" top -trim=false "$@" "$p" 2>/dev/null |
		awk -v f="$f" -v c="$c" '$6 == f { sub("%", "", $c); print $c }'
}
# Of what was sampled: a host that takes the cores away leaves time without.
share_of_sampled() { # FUNCTION COLUMN PROFILE
	share "$@" -ignore unsampled -relative_percentages
}
check "main has about all of the time with what it calls" \
	within "$(share_of_sampled main.main 5 with_map.pb.gz)" 95 100
# A fifth to a third in most runs, as perf finds beside.
check "DFS has its part, however deep it calls itself" \
	within "$(share_of_sampled main.DFS 5 with_map.pb.gz)" 12 60

printf '#!/bin/sh\nfor f; do :; done\ncat "$f" >>shown\n' >viewer
chmod +x viewer
export BROWSER="$scratch/viewer"
export TMPDIR="$scratch"
prompt() { # PROFILE: its output for the lines of standard input
	"$PSAMPLE" report -q "$1" 2>err
}
echo top10 | prompt with_map.pb.gz >out
check "top10 shows the ten heaviest functions" \
	[ "$(grep -c '%.*%.*%' out)" -ge 10 ]
check "lookups in maps are among them" grep -q 'runtime.map\|maps\.' out
echo 'top5 -cum' | prompt with_map.pb.gz >out
check_equal "top5 -cum has the callers" \
	"$(grep -o 'main\.main$\|main\.FindLoops$' out | sort | xargs)" \
	'main.FindLoops main.main'
rm -f shown
echo web | prompt with_map.pb.gz
check "web shows the call graph" \
	wait_until 10 sh -c 'grep -q FindLoops shown && grep -q "</svg>" shown'
rm -f shown
echo 'web mapassign' | prompt with_map.pb.gz
check "web mapassign shows what leads there" \
	wait_until 10 sh -c 'grep -q mapassign shown && grep -q "</svg>" shown'
echo 'list DFS' | prompt with_map.pb.gz >out
check "list DFS shows the lines with lookups" sh -c \
	'grep -E "^ +[0-9.]+m?s +[0-9.]+m?s .*number\[" out ||
		grep -E "^ +\. +[0-9.]+m?s .*number\[" out'
check_equal "its total is that of top" \
	"$(awk '/flat, cum/ { sub("%", "", $5); print $5 }' out)" \
	"$(share main.DFS 5 with_map.pb.gz)"
rm -f shown
echo 'weblist DFS' | prompt with_map.pb.gz
if command -v objdump >/dev/null; then
	check "weblist has the instructions below them" \
		wait_until 10 sh -c 'grep -q "</html>" shown &&
			grep -q "<details>.*number\[.*call" shown ||
			grep -q "call.*runtime.mapa" shown'
else
	skip "weblist has the instructions below them" "needs objdump"
fi
echo 'peek main.DFS$' | prompt with_map.pb.gz >out
check "peek shows who calls, and who is called" sh -c \
	'grep -q "|   main.FindLoops" out && grep -q "|   runtime.map" out'

# --- the repair ---------------------------------------------------------
echo top5 | prompt with_slice.pb.gz >out
check "with a slice in its place no map is left" sh -c \
	'grep -q main.DFS out && ! grep -q runtime.mapa out'
"$PSAMPLE" diff -trim=false with_map.pb.gz with_slice.pb.gz >out 2>err
check "diff tells that lookups went" sh -c \
	'grep -q "^ *-.*runtime.mapa" out || grep -q "^ *-.*maps" out'
check "and main took less" sh -c \
	'awk "\$6 == \"main.main\" { exit !(\$4 ~ /^-/) }" out'
finish
