#!/bin/sh
# SPDX-License-Identifier: MIT
# sources.sh - profiles from servers, and names from the files of profiles.
#
# Breaks if a URL is taken for another, if an answer that is no profile is
# taken for one, or if an address gets the name of another build.
. "${top_srcdir:-.}/tests/run/lib.sh"
reports=$top_srcdir/tests/report
plan 21
cd "$scratch" || exit 1
HOME=$scratch PPROF_TMPDIR=$scratch/saved
export HOME PPROF_TMPDIR
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY

check_names() { # NAME GOT WANTED: C++ as in the source
	if "$PSAMPLE" --version | grep -q '[+]demangling'; then
		check_equal "$@"
	else
		skip "$1" "built without libiberty"
	fi
}

# --- names from files -------------------------------------------------------
cat >demo.cc <<'END'
namespace shop { template <class T> __attribute__((noinline)) T
sell(T n) { return n * 3; } }
__attribute__((noinline)) int work(int n) { return shop::sell(n) + 1; }
int main(int argc, char **) { return work(argc) == 0; }
END
build_demo() {
	c++ -O1 -g -no-pie -Wl,--build-id=sha1 -o demo demo.cc
}
address_of() { # SYMBOL: what follows its first byte
	printf '0x%x' $((0x$(nm demo | awk -v s="$1" \
		'$3 ~ s { print $1; exit }') + 1))
}
# The addresses of callers are those behind the call.
write_profile() { # BUILD-ID
	cat <<END
heap profile: 1: 10 [ 1: 10] @ heapprofile
1: 10 [1: 10] @ $(address_of sell) $(address_of work) $(address_of main)
MAPPED_LIBRARIES:
400000-500000 r-xp $PWD/demo (@0) $1
END
}
top() {
	"$PSAMPLE" top "$@" 2>err | awk 'NR > 4 { print $6 }' | xargs
}
if build_demo >cc.log 2>&1; then
	id=$(readelf -n demo | awk '/Build ID/ { print $3 }')
	write_profile "$id" >demo.heap
	check_names "addresses without names get those of their file" \
		"$(top demo.heap)" "shop::sell main work"
	check_equal "--symbolize=none leaves them without" \
		"$(top -symbolize=none demo.heap)" '[demo]'
	check_names "names are as full as asked for" \
		"$("$PSAMPLE" top -symbolize=local:demangle=full demo.heap \
		2>err | sed -n 's/.*  \(int shop.*\)/\1/p')" \
		'int shop::sell<int>(int)'
	check "a fast look finds no lines" [ -z "$("$PSAMPLE" top -lines \
		-symbolize=fastlocal demo.heap 2>err | grep demo.cc)" ]
	write_profile 0123456789 >other.heap
	check_equal "a file of another build gives no names" \
		"$(top other.heap) $(grep -c 'build ID mismatch' err)" \
		'[demo] 1'
	mkdir -p "bins/$id"
	mv demo "bins/$id/"
	check_equal "a file that is not there gives none" \
		"$(top demo.heap) $(grep -c PPROF_BINARY_PATH err)" '[demo] 1'
	PPROF_BINARY_PATH=/nowhere:$PWD/bins
	export PPROF_BINARY_PATH
	check_names "PPROF_BINARY_PATH is searched by build id" \
		"$(top demo.heap)" "shop::sell main work"
	cp "bins/$id/demo" bins/
	check_equal "what has another build id is passed over there" \
		"$(top other.heap) $(grep -c 'Ignoring local file' err)" \
		'[demo] 1'
	unset PPROF_BINARY_PATH
	check_names "a program before the profile is that of it" \
		"$(top bins/demo demo.heap)" "shop::sell main work"
else
	for name in found none full fast build missing path other program; do
		skip "names from files: $name" "needs c++"
	done
fi
printf 'a::b<c>(int);_ZN3foo3barEv;Plain.<init>(X) 5\n' >x.folded
check_names "of folded stacks only mangled names become readable" \
	"$("$PSAMPLE" folded x.folded 2>err)" \
	'a::b<c>(int);foo::bar;Plain.<init>(X) 5'
check_equal "unless that is not wanted" \
	"$("$PSAMPLE" folded -symbolize=none x.folded 2>err)" \
	"$(cat x.folded)"

# --- sources from debuginfod ------------------------------------------------
# A program whose source is gone, and a server that has it.
cat >debuginfod.py <<'END'
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, file=sys.stderr, flush=True)
        found = self.path.endswith("/source" + sys.argv[1])
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(open(sys.argv[2], "rb").read())


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END
if ! DEBUGINFOD_URLS=x "$PSAMPLE" top --debuginfod x.folded >out 2>&1; then
	reason="needs libdebuginfod"
elif ! mkdir gone || ! cp demo.cc gone/ ||
	! c++ -O1 -g -no-pie -Wl,--build-id=sha1 -o demo \
		"$PWD/gone/demo.cc" >cc.log 2>&1; then
	reason="needs c++"
else
	reason=
	mv gone/demo.cc kept.cc
	write_profile "$(readelf -n demo | awk '/Build ID/ { print $3 }')" \
		>demo.heap
	python3 debuginfod.py "$PWD/gone/demo.cc" kept.cc >port 2>asked &
	server=$!
	wait_until 20 [ -s port ]
	DEBUGINFOD_URLS=http://127.0.0.1:$(cat port)
	DEBUGINFOD_CACHE_PATH=$scratch/cache
	export DEBUGINFOD_URLS DEBUGINFOD_CACHE_PATH
fi
if [ -n "$reason" ]; then
	skip "sources are not asked for" "$reason"
	skip "sources are asked for" "$reason"
else
	check_equal "no server is asked for sources unless that is wanted" \
		"$("$PSAMPLE" list work demo.heap 2>err |
		grep -c 'shop::sell(n)') $(grep -c /source asked)" '0 0'
	check_equal "list has the source that debuginfod has" \
		"$("$PSAMPLE" list --debuginfod work demo.heap 2>err |
		grep -c 'shop::sell(n)')" 1 || diag_file asked
	kill "$server"
fi

# --- servers ----------------------------------------------------------------
"$PSAMPLE" top http://127.0.0.1:1/x >out 2>err
if grep -q 'cannot fetch URLs' err; then
	skip_all "psample was built without libcurl"
fi
check_equal "a server that is not there is told" "$? $(grep -c \
	'127.0.0.1:1/x: Failed to connect' err)" '0 1'
command -v go >/dev/null || skip_all "needs go"
GOCACHE=$go_cache GO111MODULE=off GOFLAGS='' \
	go build -o server "$reports/server.go" >go.log 2>&1 ||
	diag_file go.log
mkfifo in
./server <in >address &
server=$!
exec 7>in
wait_until 20 [ -s address ]
host=$(cat address)
"$PSAMPLE" top -seconds=1 "$host" >out 2>err
check "a host and a port alone stand for a CPU profile" \
	grep -q 'main.spin' out || diag_file err
check "how long it takes is told" grep -q 'Please wait... (1s)' err
check "a copy is kept, and said to be" [ -s "$(sed -n \
	's/.*Saved profile in //p' err)" ]
check "names are asked for of the server" sh -c \
	'"$PSAMPLE" top -symbolize=remote \
		"http://$1/debug/pprof/goroutine?debug=1" 2>err |
		grep -q "net/http.(\*conn).serve"' sh "$host"
"$PSAMPLE" top "http://$host/debug/pprof/nothing" >out 2>err
check "what a server says is told" \
	grep -q 'server response: 404 Not Found - Unknown profile' err
"$PSAMPLE" top "http://$host/debug/pprof/cmdline" >out 2>err
check "what is no profile is refused" \
	grep -q 'cmdline: unrecognized profile format' err
"$PSAMPLE" raw "$host/debug/pprof/heap" "$host/debug/pprof/heap" \
	-base="$host/debug/pprof/heap" >out 2>err
check_equal "several are fetched, and one can be the base" \
	"$? $(grep -c 'Fetching profile' err)" '0 3'
exec 7>&-
wait "$server"
finish
