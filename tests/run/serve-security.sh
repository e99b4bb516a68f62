#!/bin/sh
# SPDX-License-Identifier: MIT
# serve-security.sh - who may ask a server of profiles, for what, and how much;
# one test for each rule, which fails when the rule is taken out.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
plan 37
requires_program curl python3
requires_serve
requires_ptrace

refuses_to_start() { # TEXT OPTION...
	refused=$1
	shift
	timeout 10 "$PSAMPLE" serve -p "$target" "$@" >out 2>&1
	[ $? = 1 ] && grep -q -e "$refused" out
}

# raw TEXT: what comes back for these bytes, within 20 s; as seconds and text
raw() {
	python3 - "$port" "$1" <<'END'
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
start = time.time()
answer = b""
try:
    s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin1"))
    while True:
        got = s.recv(65536)
        if not got:
            break
        answer += got
        if b"\r\n\r\n" in answer and b"keep" not in sys.argv[2].encode():
            break
except OSError:
    pass
print(int(time.time() - start), answer[:12].decode("latin1"))
END
}

start_target "$programs/truth" sleep 600
target=$target_pid

# --- where ------------------------------------------------------------------

check "other addresses than loopback need a token" refuses_to_start \
	'others could profile' -l 0.0.0.0:0
check "those of IPv6, too" refuses_to_start \
	'others could profile\|cannot listen' -l '[::]:0'
echo short >token
chmod 600 token
check "a token that is too short is refused" refuses_to_start 'too short' \
	-l 127.0.0.1:0 --auth-token-file token
echo 0123456789abcdef0123456789abcdef >token
chmod 644 token
check "and one that all may read" refuses_to_start 'not secret' \
	-l 127.0.0.1:0 --auth-token-file token
chmod 600 token

start_server -l "unix:$scratch/socket" -p "$target"
listening=$(stat -c %a socket)
check_equal "a unix socket is its owner's" "$listening" 600
check_equal "and answers" "$(get_status --unix-socket socket \
	http://psample/debug/pprof/cmdline)" 200
check_equal "without --listen naming others, only loopback is listened to" \
	"$(sed -n 's/.*serving at http:\/\/\(.*\):.*/\1/p' server.err)" \
	127.0.0.1
stop_server
check "the socket goes with its server" [ ! -e socket ]

start_server -l "unix:$scratch/socket,mode=0660" -p "$target"
check_equal "its mode may be another one" "$(stat -c %a socket)" 660
stop_server

# --- who ----------------------------------------------------------------------

start_server -p "$target" --allow-host me.example --max-seconds 20 \
	--max-rate 200 --max-clients 2
at=http://127.0.0.1:$port
url=$at/debug/pprof
check_equal "a Host that is not ours is refused" \
	"$(get_status -H 'Host: evil.test' "$url/cmdline")" 403
check_equal "a Host of loopback is not" \
	"$(get_status -H 'Host: localhost:1' "$url/cmdline")" 200
check_equal "nor one that was allowed" \
	"$(get_status -H 'Host: me.example' "$url/cmdline")" 200
check_equal "no Host is none" \
	"$(raw 'GET /debug/pprof/ HTTP/1.0\r\n\r\n' | cut -c 3-14)" \
	"HTTP/1.1 400"
check_equal "a POST from another site's page is refused" "$(get_status \
	-H 'Origin: http://evil.test' -d 0x1 "$url/symbol")" 403
check_equal "one from our own is not" "$(get_status \
	-H "Origin: $at" -d 0x1 "$url/symbol")" 200
check_equal "a page's fetch from elsewhere profiles nothing" "$(get_status \
	-H 'Sec-Fetch-Site: cross-site' "$url/profile?seconds=1")" 403
check_equal "a process that was not named is refused" \
	"$(get_status "$at/pid/$$/debug/pprof/cmdline")" 403
check_equal "one that was is not" \
	"$(get_status "$at/pid/$target/debug/pprof/cmdline")" 200

# --- what ---------------------------------------------------------------------

has_headers() { # URL
	get_status "$1" >/dev/null
	grep -qi '^x-content-type-options: nosniff' head &&
		grep -qi "^content-security-policy: default-src 'none'" head &&
		! grep -qi '^access-control-' head
}
check "pages run nothing and are nobody else's" has_headers "$url/"
check "nor are errors" has_headers "$url/nope"
check_equal "paths lead nowhere else" "$(get_status --path-as-is \
	"$url/../../etc/passwd")$(get_status "$url/%2e%2e/%2fetc/passwd")" \
	404404
check_equal "names of a target are no HTML" \
	"$(http_get "$url/" | grep -c '<script')" 0
check_equal "only GET and POST are answered" "$(get_status -X DELETE \
	"$url/profile")$(get_status -d a=b "$url/profile")" 405405

# --- how much --------------------------------------------------------------

check_equal "--max-seconds holds" \
	"$(get_status "$url/profile?seconds=21")" 400
check_equal "--max-rate holds" \
	"$(get_status "$url/profile?seconds=1&hz=201")" 400
check_equal "a GET has no body" \
	"$(get_status -X GET -d 0x1 "$url/symbol")" 400
head -c 1100000 /dev/zero | tr '\0' 1 >big
check_equal "a body has an end" \
	"$(get_status -H Expect: --data-binary @big "$url/symbol")" 413
long=$(head -c 40000 /dev/zero | tr '\0' a)
check "and so have headers" within \
	"$(get_status -H "X: $long" "$url/cmdline")" 400 431
check "and a path" within "$(get_status "$url/$long")" 400 431
exec_http_get "$url/profile?seconds=20" >/dev/null &
first=$!
exec_http_get "$url/wall?seconds=20" >/dev/null &
second=$!
n_wait() { # NUMBER
	http_get "$at/metrics" | grep -q "^psample_http_waiting $1\$"
}
wait_until 30 n_wait 2
check_equal "--max-clients holds" \
	"$(get_status "$url/profile?seconds=1")" 429
check "and the answer says when to come again" grep -qi '^retry-after:' head
kill "$first" "$second"
wait "$first" "$second" 2>/dev/null
wait_until 30 n_wait 0
check_equal "there is room again when they have gone" \
	"$(get_status "$url/goroutine")" 200
check "who does not finish a request is dropped" within \
	"$(raw 'GET /debug/pprof/ HTTP/1.1\r\nkeep' | cut -d ' ' -f 1)" 4 9
check "a line that never ends is no request" within \
	"$(raw "GET /$(head -c 30000 /dev/zero | tr '\0' b)" |
		cut -d ' ' -f 1)" 0 9
stop_server

# --- the token -------------------------------------------------------------

start_server -v -p "$target" --auth-token-file token
url=http://127.0.0.1:$port/debug/pprof
check_equal "without the token nobody gets in" "$(get_status "$url/cmdline")$(
	get_status -H 'Authorization: Bearer 0123456789abcdef' \
		"$url/cmdline")" 401401
check_equal "with it all do" "$(get_status -H \
	"Authorization: Bearer $(cat token)" "$url/cmdline")$(get_status \
	"http://x:$(cat token)@127.0.0.1:$port/debug/pprof/cmdline")" 200200
check "it is in no log" [ "$(cat server.out server.err |
	grep -c "$(cat token)")" = 0 ]
stop_server
finish
