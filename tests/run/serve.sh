#!/bin/sh
# SPDX-License-Identifier: MIT
# serve.sh - /debug/pprof/ from outside: profiles, stacks and names over HTTP,
# shared samplers, clients that go away, targets that end.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
plan 46
requires_program curl
requires_serve
requires_ptrace

start_target "$programs/truth" one 600
target=$target_pid
start_server -p "$target"
url=http://127.0.0.1:$port/debug/pprof

is_wall_and_cpu() {
	is_type wall wall.pb.gz && is_type cpu slow.pb.gz &&
		is_type cpu fast.pb.gz
}

period_of() { # FILE
	"$PSAMPLE" report --raw "$1" 2>/dev/null | sed -n 's/^Period: //p'
}

# Samples x period over CPU time
periods_in() { # FILE
	"$PSAMPLE" report --raw "$1" 2>/dev/null | awk '
	/^Period:/ { period = $2 }
	/^Locations/ { on = 0 }
	on { n += $1; cpu += $2 }
	/^samples\/count/ { on = 1 }
	END { printf "%.2f\n", cpu ? n * period / cpu : 0 }'
}

is_detached() {
	grep -q '^TracerPid:[^0-9]*0$' "/proc/$target/status"
}

is_attached() {
	! is_detached
}

share_of_f() { # FILE
	"$PSAMPLE" report --folded --nodefraction=0 -o folded "$1" \
		2>report.err && folded_share folded f any
}

check_equal "the index is there" "$(get_status "$url/")" 200
check "and names its target" grep -q "/pid/$target/debug/pprof/" body
check "an idle server is not attached" is_detached

check_equal "a CPU profile comes" \
	"$(get_status "$url/profile?seconds=1&hz=250")" 200
cp body cpu.pb.gz
check "f has its share of it" within "$(share_of_f cpu.pb.gz)" 40 80
check "then nothing is attached any more" is_detached
check "it is for saving, as Go's" grep -qi \
	'^content-disposition: attachment; filename="profile"' head

check_equal "one for elapsed time comes" \
	"$(get_status "$url/wall?seconds=1&hz=50")" 200
check "and has wall time" is_type wall body

check_equal "stacks of all threads come" \
	"$(get_status "$url/goroutine?debug=2")" 200
check "they begin as in a panic" grep -q '^goroutine [0-9]* \[.*\]:$' body
check_equal "and in pprof's format" "$(get_status "$url/goroutine")" 200
check "counted as goroutines" is_type goroutine body
check_equal "the difference of two comes" \
	"$(get_status "$url/goroutine?seconds=1")" 200
check "with its time" within "$(duration_s body)" 1 20
get_status "$url/goroutine?debug=1&tid=$target" >/dev/null
check_equal "one thread can be asked for" "$(head -n 1 body)" \
	"goroutine profile: total 1"
address=$(sed -n 's/^1 @ .* \(0x[0-9a-f]*\) 0x[0-9a-f]*$/\1/p' body | head -n 1)

get_status "$url/symbol?$address" >/dev/null
named=$(sed -n 2p body)
check "an address has a name" [ "${named%% *}" = "$address" ]
check_equal "the same by POST" "$(http_get -d "$address+0x1" "$url/symbol" |
	sed -n 2p)" "$named"
check_equal "and as gperftools has it" "$(http_get -d "$address" \
	"http://127.0.0.1:$port/pprof/symbol" | tr '\t' ' ')" "$named"
check_equal "the command line has NULs" "$(http_get "$url/cmdline" |
	tr '\0' ' ')" "$programs/truth one 600"

check_equal "allocations are not to be had by chance" \
	"$(get_status "$url/heap?seconds=1")" 503
check "the answer says by what they are" grep -q -e --heap body

# --- one sampler for all -------------------------------------------------

http_get -o slow.pb.gz "$url/profile?seconds=2&hz=50" &
slow=$!
http_get -o wall.pb.gz "$url/wall?seconds=1" &
wall=$!
http_get -o fast.pb.gz "$url/profile?seconds=1&hz=400" &
fast=$!
wait $slow && wait $wall && wait $fast
# Names are looked up meanwhile, which may take a second here.
check "clients who share have each their time" \
	within "$(duration_s slow.pb.gz).$(duration_s fast.pb.gz)" 2.1 3.2
check "and their kind" is_wall_and_cpu
check_equal "and their rate" "$(period_of slow.pb.gz) $(period_of \
	fast.pb.gz)" "20000000 2500000"
check "the slower one has every n-th tick, which weigh the more" \
	within "$(periods_in slow.pb.gz)" 0.6 1.6
check "and right shares in spite of the others" \
	within "$(share_of_f slow.pb.gz)" 40 80

# --- ends ---------------------------------------------------------------------

exec_http_get "$url/profile?seconds=60" >/dev/null 2>&1 &
client=$!
wait_until 10 is_attached
kill "$client"
wait "$client" 2>/dev/null
check "a client that goes away ends its profile" wait_until 5 is_detached
check_equal "the target runs on" "$(is_alive "$target" && echo yes)" yes

exec_http_get -D head -o body "$url/profile?seconds=60" &
client=$!
wait_until 10 is_attached
stop_target "$target"
wait "$client"
check "a target that ends leaves its profile" is_type cpu body
check "with a note" grep -qi '^x-psample-note: the target ended' head
check_equal "afterwards it is answered 503" \
	"$(get_status "$url/profile?seconds=1")" 503
check "in words" grep -q 'has ended' body
stop_server
check_equal "SIGTERM ends the server well" "$server_status" 0

# --- others in their place ------------------------------------------------

mkfifo go
start_background sh -c "read word <go; exec '$programs/truth' one 600"
target=$target_pid
start_server -p "$target"
url=http://127.0.0.1:$port/debug/pprof
http_get -o exec.pb.gz "$url/profile?seconds=2&hz=250" &
client=$!
wait_until 10 is_attached
echo on >go
wait "$client"
check "a profile goes on with what the target executes" \
	within "$(share_of_f exec.pb.gz)" 40 80
stop_server
stop_target "$target"

cp "$programs/truth" again
start_server -n '^again$'
url=http://127.0.0.1:$port/debug/pprof
check_equal "a name that nobody has yet is answered 503" \
	"$(get_status "$url/cmdline")" 503
check "in words, too" grep -q 'no process is called ^again' body
start_target ./again sleep 600
check_equal "a process of that name is found when it comes" \
	"$(get_status "$url/cmdline")" 200
stop_target
start_target ./again sleep 601
check_equal "and the next one, too" "$(http_get "$url/cmdline" |
	tr '\0' ' ')" "./again sleep 601"
stop_server

is_allocations() {
	"$PSAMPLE" report --top --sample_index=alloc_space allocs.pb.gz \
		>top 2>report.err && grep -q ' site_array$' top
}

# What has just begun has no allocator yet; it is tried again.
start_server --heap -- "$programs/allocs" loop 1
program=$(http_get "http://127.0.0.1:$port/debug/pprof/" |
	sed -n "s,.*href='/pid/\([0-9]*\)/.*,\1,p")
is_watched() {
	grep -q memfd:psample "/proc/$program/maps"
}
check "allocations of a new program are watched before anybody asks" \
	wait_until 20 is_watched
heap=http://127.0.0.1:$port/pid/$program/debug/pprof
check_equal "what it has allocated is answered" \
	"$(get_status "$heap/allocs?seconds=1")" 200
cp body allocs.pb.gz
check "which is bytes by who allocated them" is_allocations
check_equal "what is in use, too" "$(get_status "$heap/heap")" 200
cp body heap.pb.gz
check "which is shown as such" is_type inuse_space heap.pb.gz
check_equal "and as text, as Go's" \
	"$(get_status "$heap/heap?debug=1")" 200
check "with its title" grep -q '^heap profile: ' body
stop_server
finish
