#!/bin/sh
# SPDX-License-Identifier: MIT
# serve.sh - psample serve next to Go's own server, and on real programs.
#
#	serve.sh [answers | tool | go | python3 | node | redis | nginx]
#
# Needs curl, go; what of python3, nginx, redis, node is there is profiled.
# With an argument only that part. serve-load.sh is for crowds, serve-rules.sh
# for security.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
part=${1:-all}
case $part in
all)	plan 94 ;;
answers) plan 35 ;;
tool)	plan 24 ;;
*)	plan 7 ;;
esac
wants() { # PART
	[ "$part" = all ] || [ "$part" = "$1" ]
}
requires_program curl go
requires_serve
requires_ptrace

# --- next to Go's ------------------------------------------------------------

p=/debug/pprof
start_go() {
	GO111MODULE=off go build -o pprof_server \
		"$top_srcdir/tests/programs/pprof_server.go" ||
		skip_all "go fails"
	start_target ./pprof_server
	target=$target_pid
	go_port=$(head -n 1 "$target_out")
	start_server --heap -p "$target"
}

# What of an answer must be the same: status, headers, the form of the body.
describe() { # PORT PATH [ARGUMENT...]
	describe_port=$1
	describe_path=$2
	shift 2
	get_status "$@" "http://127.0.0.1:$describe_port$describe_path"
	tr -d '\r' <./head | grep -i -e '^content-type:' \
		-e '^content-disposition:' -e '^x-go-pprof:' \
		-e '^x-content-type-options:' |
		tr '[:upper:]' '[:lower:]' | sort |
		sed 's/^/ /' | tr -d '\n'
	case $(head -c 2 body | od -An -tx1 | tr -d ' ') in
	1f8b)	echo " gzip" ;;
	*)	echo " $(head -n 1 body | tr -d '\0' | tr '0-9' 'N' |
			sed 's/NN*/N/g' | cut -d ' ' -f 1-2)" ;;
	esac
}

same() { # PATH [ARGUMENT...]
	path=$1
	shift
	check_equal "as Go's: ${*:+$* }$path" \
		"$(describe "$port" "$path" "$@")" \
		"$(describe "$go_port" "$path" "$@")"
}

moved() { # PORT PATH
	get_status "http://127.0.0.1:$1$2"
	grep -i '^location' head
	cat body
}

compare_answers() {
	same "$p/profile?seconds=1"
	same "$p/profile?seconds=1" -I
	same "$p/goroutine"
	same "$p/goroutine?debug=1"
	same "$p/goroutine?debug=x"
	same "$p/goroutine?debug=2"
	same "$p/goroutine?seconds=1"
	same "$p/goroutine?seconds=1&debug=2"
	same "$p/goroutine?seconds=x"
	same "$p/threadcreate"
	same "$p/threadcreate?debug=1"
	same "$p/threadcreate?seconds=1"
	same "$p/"
	check_equal "as Go's: $p leads to the index" \
		"$(moved "$port" "$p")" "$(moved "$go_port" "$p")"
	same "$p/nope/"
	same "$p/nope"
	same "$p/nope?seconds=1"
	same "$p/heap"
	same "$p/heap?seconds=1"
	same "$p/heap?debug=1"
	same "$p/heap?gc=1"
	same "$p/heap?debug=2"
	same "$p/heap?seconds="
	same "$p/allocs"
	same "$p/allocs?seconds=1"
	same "$p/heap?seconds=x"
	same "$p/heap?seconds=-1"
	same "$p/heap?seconds=0"
	same "$p/heap?seconds=1&debug=1"
	same "$p/allocs?seconds=1s"
	same "$p/symbol"
	same "$p/symbol?0x1"
	same "$p/symbol?zz+0x"
	same "$p/cmdline"
	same "$p/symbol" -d 0x1
}

# The same functions by both, also through go tool pprof's own way.
PPROF_TMPDIR=$scratch
export PPROF_TMPDIR
top_of() { # PORT PATH
	timeout 90 go tool pprof -top -nodecount 500 -symbolize=remote \
		"http://127.0.0.1:$1$2" 2>tool.err
}
told() { # PATH TEXT
	! top_of "$port" "$1" && grep -q -e "$2" tool.err
}
tells() { # PATH TEXT: what go tool pprof makes of an error
	check "go tool pprof tells of $1" told "$@" || diag_file tool.err
}

try_tool() {
	for way in "" "$p/profile?seconds=1" "$p/goroutine" "$p/threadcreate" \
		"/pprof/profile?seconds=1" "$p/heap" "$p/allocs?seconds=2" \
		"$p/allocs" "$p/heap?seconds=2" /pprof/heap \
		"$p/wall?seconds=1" "/pprof/wall?seconds=1" \
		"/pid/$target$p/profile?seconds=1&hz=300" \
		"/pid/$target/pprof/profile?seconds=1"; do
		top_of "$port" "${way:-/?seconds=1}" >top
		check "go tool pprof takes ${way:-the bare host}" \
			grep -q 'main\.work\|runtime\.' top ||
			diag_file tool.err
	done
	for name in mutex block trace nope; do
		tells "$p/$name?seconds=1" '404 Not Found - Unknown profile'
	done
	tells "$p/heap?seconds=-1" \
		'400 Bad Request - invalid value for "seconds"'
	tells "$p/profile?seconds=601" \
		'400 Bad Request - .*see --max-seconds'
	tells "/pid/1$p/profile?seconds=1" '403 Forbidden - .*not named'
	stop_server
	start_server -p "$target"
	tells "$p/heap" '503 .*--heap'
	http_get "http://127.0.0.1:$port$p/cmdline" | tr '\0' '\n' >ours
	http_get "http://127.0.0.1:$go_port$p/cmdline" | tr '\0' '\n' >theirs
	echo >>theirs # Go has no NUL at the end
	check_equal "the command line is that of Go's" "$(grep . ours)" \
		"$(grep . theirs)"
	stop_target "$target"
	tells "$p/profile?seconds=1" '503 .*has ended'
}

if wants answers || wants tool; then
	start_go
	! wants answers || compare_answers
	! wants tool || try_tool
	stop_server
	stop_target "$target"
fi

# --- real programs ----------------------------------------------------------

make_collector() { # what those of other systems do
	goroot=$(go env GOROOT)
	mkdir -p go/src/github.com go/src/scrape
	cp -r "$goroot/src/cmd/vendor/github.com/google" go/src/github.com
	cp "$top_srcdir/tests/programs/scrape.go" go/src/scrape
	(cd go/src/scrape && GOPATH=$scratch/go GO111MODULE=off GOFLAGS='' \
		go build -o "$scratch/scrape" .) || skip_all "go fails"
}

counts='[0-9]*: [0-9]* \[[0-9]*: [0-9]*\] @'
profile_heap() { # NAME FUNCTION
	top_of "$port" "$p/allocs" >top
	check "allocations of $1 name $2" grep -q "$2" top ||
		diag_file tool.err
	top_of "$port" "$p/heap?seconds=2" >top
	check "and those of two seconds have their time" \
		grep -q '^Duration: [2-4]' top || diag_file top
	http_get "http://127.0.0.1:$port$p/heap?debug=1" >text
	check_equal "and their text is as Go's" "$(sed -n -e 3q \
		-e "1s/^heap profile: $counts heapprofile\$/head/p" \
		-e "2s/^$counts 0x.*/row/p" text | tr '\n' ' ')" "head row "
	check "a collector takes what it wants to know of $1" \
		./scrape "127.0.0.1:$port" memory
}

# Both profiles at once: two workers, one of them in the target for good.
profile_real() { # NAME PID FUNCTION ALLOCATOR
	start_server --heap -p "$2"
	top_of "$port" "$p/profile?seconds=2" >top
	check "a profile of $1 names $3" grep -q "$3" top ||
		diag_file tool.err
	http_get "http://127.0.0.1:$port$p/goroutine?debug=2" >stacks
	check "stacks of all threads of $1" [ "$(grep -c '^goroutine' stacks)" \
		= "$(find "/proc/$2/task" -mindepth 1 -maxdepth 1 | wc -l)" ]
	profile_heap "$1" "$4"
	stop_server
	check "$1 lives" is_alive "$2"
}

skip_real() { # NAME REASON
	for what in CPU threads allocations delta text collector life; do
		skip "$what of $1" "$2"
	done
}

try_go() {
	if GO111MODULE=off GOCACHE=$go_cache go build -o go_allocs \
		"$top_srcdir/tests/programs/allocs.go"; then
		start_background ./go_allocs 600
		profile_real "a Go program" "$target_pid" main main
		stop_target
	else
		skip_real "a Go program" "needs go"
	fi
}

try_python3() {
	start_background python3 -c \
		'while True: x = [bytes(100000 + i) for i in range(100)]'
	profile_real python3 "$target_pid" _PyEval_EvalFrameDefault Py
	stop_target
}

try_node() {
	if command -v node >/dev/null; then
		start_background node -e \
			'for (;;) JSON.parse(JSON.stringify([1, 2]))'
		profile_real node "$target_pid" v8::internal v8
		stop_target
	else
		skip_real node "needs node"
	fi
}

try_redis() {
	if command -v redis-server >/dev/null; then
		start_background redis-server --port 0 \
			--unixsocket "$scratch/redis" --save ''
		redis=$target_pid
		wait_until 20 [ -S redis ]
		start_background redis-benchmark -s "$scratch/redis" -q -l \
			-t set,get
		profile_real redis-server "$redis" aeMain malloc
		stop_target
		stop_target "$redis"
	else
		skip_real redis "needs redis-server"
	fi
}

try_nginx() {
	if command -v nginx >/dev/null && command -v wrk >/dev/null; then
		cat >nginx.conf <<-END
			daemon off; master_process off; pid $scratch/nginx.pid;
			error_log /dev/null; events { worker_connections 64; }
			http { access_log off; server {
				listen unix:$scratch/nginx.sock;
				listen 127.0.0.1:18099;
				location / { return 200 "hello"; } } }
		END
		start_background nginx -p "$scratch" -c "$scratch/nginx.conf"
		nginx=$target_pid
		wait_until 20 [ -S nginx.sock ]
		start_background wrk -t1 -c4 -d60 http://127.0.0.1:18099/
		profile_real nginx "$nginx" ngx_http ngx_
		stop_target
		stop_target "$nginx"
	else
		skip_real nginx "needs nginx and wrk"
	fi
}

case $part in
answers|tool) finish ;;
esac
make_collector
for real in go python3 node redis nginx; do
	! wants "$real" || "try_$real"
done
finish
