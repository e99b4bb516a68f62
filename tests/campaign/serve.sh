#!/bin/sh
# SPDX-License-Identifier: MIT
# serve.sh - psample serve next to Go's own server, on real programs, and under
# a crowd of clients.
#
#	serve.sh [SECONDS]
#
# SECONDS (60) is how long the crowd asks. Needs curl, python3, go; what of
# nginx, redis, node is there is profiled.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
seconds=${1:-60}
plan 52
requires_program curl python3 go
requires_serve
requires_ptrace

# --- next to Go's ------------------------------------------------------------

GO111MODULE=off go build -o pprof_server \
	"$top_srcdir/tests/programs/pprof_server.go" || skip_all "go fails"
start_target ./pprof_server
target=$target_pid
go_port=$(head -n 1 "$target_out")
start_server --heap -p "$target"

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

p=/debug/pprof
same "$p/profile?seconds=1"
same "$p/profile?seconds=1" -I
same "$p/goroutine"
same "$p/goroutine?debug=1"
same "$p/goroutine?debug=x"
same "$p/threadcreate"
same "$p/nope"
same "$p/nope?seconds=1"
same "$p/heap"
same "$p/heap?seconds=1"
same "$p/heap?debug=1"
same "$p/heap?gc=1"
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

# The same functions by both, also through go tool pprof's own way.
PPROF_TMPDIR=$scratch
export PPROF_TMPDIR
top_of() { # PORT PATH
	timeout 90 go tool pprof -top -nodecount 500 -symbolize=remote \
		"http://127.0.0.1:$1$2" 2>tool.err
}
for way in "" "$p/profile?seconds=1" "$p/goroutine" "$p/threadcreate" \
	"/pprof/profile?seconds=1" "$p/heap" "$p/allocs?seconds=2" \
	"/pprof/heap"; do
	top_of "$port" "${way:-/?seconds=1}" >top
	check "go tool pprof takes ${way:-the bare host}" \
		grep -q 'main\.work\|runtime\.' top || diag_file tool.err
done
check "and its errors are told" sh -c '
	go tool pprof -top "$1/debug/pprof/mutex" 2>&1 |
		grep -q "404 Not Found - Unknown profile"' sh \
	"http://127.0.0.1:$port"
stop_server
stop_target "$target"

# --- real programs ----------------------------------------------------------

profile_real() { # NAME PID FUNCTION
	start_server -p "$2"
	top_of "$port" "$p/profile?seconds=2" >top
	check "a profile of $1 names $3" grep -q "$3" top ||
		diag_file tool.err
	http_get "http://127.0.0.1:$port$p/goroutine?debug=2" >stacks
	check "stacks of all threads of $1" [ "$(grep -c '^goroutine' stacks)" \
		= "$(find "/proc/$2/task" -mindepth 1 -maxdepth 1 | wc -l)" ]
	stop_server
}

start_background python3 -c 'while True: sum(i * i for i in range(1000))'
profile_real python3 "$target_pid" _PyEval_EvalFrameDefault
stop_target
if command -v node >/dev/null; then
	start_background node -e 'for (;;) JSON.parse(JSON.stringify([1, 2]))'
	profile_real node "$target_pid" v8::internal
	stop_target
else
	skip "a profile of node" "needs node"
	skip "stacks of node" "needs node"
fi
if command -v redis-server >/dev/null; then
	start_background redis-server --port 0 --unixsocket "$scratch/redis" \
		--save ''
	redis=$target_pid
	wait_until 20 [ -S redis ]
	start_background redis-benchmark -s "$scratch/redis" -q -l -t set,get
	profile_real redis-server "$redis" processCommand
	stop_target
	stop_target "$redis"
else
	skip "a profile of redis" "needs redis-server"
	skip "stacks of redis" "needs redis-server"
fi
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
	profile_real nginx "$nginx" ngx_http
	stop_target
	stop_target "$nginx"
else
	skip "a profile of nginx" "needs nginx and wrk"
	skip "stacks of nginx" "needs nginx and wrk"
fi

# --- a crowd ----------------------------------------------------------------

count_fds() {
	find "/proc/$server/fd" -mindepth 1 | wc -l
}

rss_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"
}

n_workers() {
	wc -w <"/proc/$server/task/$server/children"
}

start_target "$programs/truth" eight 600
target=$target_pid
start_server -p "$target" --max-clients 256
fds=$(count_fds)
python3 "$top_srcdir/tests/campaign/serve_load.py" "$port" 5 20 100 >load
rss=$(rss_kib)
python3 "$top_srcdir/tests/campaign/serve_load.py" "$port" "$seconds" 200 \
	10000 >load
diag "$(cat load)"
check "the server is there after it" is_alive "$server"
check_equal "and answers" \
	"$(get_status "http://127.0.0.1:$port/healthz")" 200
is_calm() {
	[ "$(count_fds)" -le $((fds + 4)) ] && [ "$(n_workers)" -le 1 ]
}
check "its descriptors are those of before" wait_until 40 is_calm
diag "descriptors $fds, then $(count_fds); KiB $rss, then $(rss_kib)"
check "its memory is flat" within "$(rss_kib)" 0 $((rss + 16384))
check "no answer was 500" [ "$(grep -c ' 500:' load)" = 0 ]
check "most were 200" grep -q ' *200:[0-9]\{3,\}' load
no_tracer() {
	grep -q '^TracerPid:[^0-9]*0$' "/proc/$target/status"
}
check "nobody is attached" wait_until 10 no_tracer
check "no thread was left stopped" wait_until 5 \
	eval '! has_stopped_threads "$target"'
stop_server
check_equal "the server ends well" "$server_status" 0
check "the target still runs" is_alive "$target"
wait_until 5 eval '[ -z "$(pgrep -P "$server")" ]'
check "nobody is left behind" eval \
	'! pgrep -f "psample serve -l 127.0.0.1:0 -p $target" >/dev/null'
finish
