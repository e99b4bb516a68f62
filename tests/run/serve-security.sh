#!/bin/sh
# SPDX-License-Identifier: MIT
# serve-security.sh - who may ask a server of profiles, for what, and how much;
# one test for each rule, which fails when the rule is taken out.
. "${top_srcdir:-.}/tests/run/lib.sh"
. "$top_srcdir/tests/run/http.sh"
plan 47
requires_program curl python3
requires_serve
requires_ptrace

refuses_to_start() { # TEXT OPTION...
	refused=$1
	shift
	timeout 10 "$PSAMPLE" serve -p "$target" "$@" >out 2>&1
	[ $? = 1 ] && grep -q -e "$refused" out
}

# Requests that curl does not make, all at once: for each its name, the seconds
# until its end, and the status of the answer.
ask_badly() {
	python3 - "$port" <<'END'
import socket, sys, threading, time
HEAD = b"GET /debug/pprof/cmdline HTTP/1.1\r\n"
POST = b"POST /debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n"
CASES = {  # what is sent at once, and what drop by drop
    "no-host": (b"GET /debug/pprof/ HTTP/1.0\r\n\r\n", b""),
    "unfinished": (HEAD + b"Host: local", b""),
    "drip": (HEAD + b"Host: localhost\r\nX: ", 60 * b"x"),
    "drip-body": (POST + b"Content-Length: 99\r\n\r\n", 60 * b"1"),
    "no-body": (POST + b"Content-Length: 9\r\n\r\n0x1", b""),
    "long-line": (b"GET /" + 30000 * b"b", b""),
    "nul": (HEAD + b"Host: local\0host\r\n\r\n", b""),
}

def ask(name, data, drops):
    start, answer = time.time(), b""
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
    try:
        s.sendall(data)
        for i in range(len(drops)):
            time.sleep(0.3)
            s.sendall(drops[i:i + 1])
        got = b"-"
        while got and b"\r\n\r\n" not in answer:
            got = s.recv(65536)
            answer += got
    except OSError:
        pass
    print("%s %.0f %s" % (name, time.time() - start,
                          answer[9:12].decode("latin1")), flush=True)

for case in CASES.items():
    threading.Thread(target=ask, args=(case[0], *case[1])).start()
END
}

asked() { # NAME: seconds and status
	sed -n "s/^$1 //p" bad
}

# Connections that ask for nothing: how many of 80 are refused, and whether
# there is room for a request beside them.
crowd() {
	python3 - "$port" <<'END'
import socket, sys, time
at = ("127.0.0.1", int(sys.argv[1]))
crowd = [socket.create_connection(at, 20) for _ in range(80)]
status = ""
for _ in range(20): # before the five seconds of the others are over
    s = socket.create_connection(at, 20)
    try:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status = s.recv(100)[9:12].decode("latin1")
    except OSError:
        pass
    if status == "200":
        break
    time.sleep(0.1)
refused = 0
for s in crowd:
    s.settimeout(0)
    try:
        refused += s.recv(100)[9:12] == b"429"
    except OSError:
        pass
print("refused" if refused else "all let in", status)
END
}

cp "$programs/truth" '<script>x'
start_target './<script>x' sleep 600
target=$target_pid

# --- where ------------------------------------------------------------------

check "other addresses than loopback need a token" refuses_to_start \
	'others could profile' -l 0.0.0.0:0
check "those of IPv6, too" refuses_to_start \
	'others could profile\|cannot listen' -l '[::]:0'
timeout 10 "$PSAMPLE" serve -p "$target" >out 2>&1 &
wait_until 10 grep -q ':6060' out
kill $!
wait $! 2>/dev/null
check_equal "without --listen it is localhost" "$(grep -c \
	-e 'serving at http://127.0.0.1:6060/' \
	-e 'cannot listen at localhost:6060' out)" 1
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
check "nobody else takes its place" refuses_to_start 'somebody else listens' \
	-l "unix:$scratch/socket"
check "nor that of a file" refuses_to_start 'is no socket' \
	-l "unix:$scratch/token"
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
ask_badly >bad & # five seconds, meanwhile we go on
bad=$!
check_equal "a POST from another site's page is refused" "$(get_status \
	-H 'Origin: http://evil.test' -d 0x1 "$url/symbol")" 403
check_equal "one from our own is not" "$(get_status \
	-H "Origin: $at" -d 0x1 "$url/symbol")" 200
check_equal "a page's fetch from elsewhere profiles nothing" "$(get_status \
	-H 'Sec-Fetch-Site: cross-site' "$url/profile?seconds=1")" 403
check_equal "a process that was not named is refused" \
	"$(get_status "$at/pid/$$/debug/pprof/cmdline")" 403
check_equal "and a thread of one" \
	"$(get_status "$url/profile?seconds=1&tid=$$")" 404
check_equal "one that was is not" \
	"$(get_status "$at/pid/$target/debug/pprof/cmdline")" 200

# --- what ---------------------------------------------------------------------

has_headers() { # URL
	get_status "$1" >/dev/null
	grep -qi '^x-content-type-options: nosniff' head &&
		grep -qi "^content-security-policy: default-src 'none'" head &&
		grep -qi '^cross-origin-resource-policy: same-origin' head &&
		grep -qi '^cache-control: no-store' head &&
		! grep -qi '^access-control-' head
}
check "pages run nothing and are nobody else's" has_headers "$url/"
check "nor are errors" has_headers "$url/nope"
check_equal "paths lead nowhere else" "$(get_status --path-as-is \
	"$url/../../etc/passwd")$(get_status "$url/%2e%2e/%2fetc/passwd")" \
	404404
check_equal "names of a target are no HTML" "$(http_get "$url/" |
	grep -o '.\{4\}script.\{5\}' | head -n 1)" '&lt;script&gt;x'
# Profiles are taken by forks of the server: it has no means to run anything
# (child_wait() only waits).
check_equal "nothing in the server starts programs" "$(nm -u \
	"$top_builddir/libps-serve.a" | sed -n 's/^ *U \([a-z_]*\)@*.*/\1/p' |
	grep -x -e 'exec.*' -e 'posix_spawn.*' -e system -e popen -e dlopen \
	-e 'child_.*' -e 'launch_.*' | grep -vx child_wait)" ""
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
wait "$bad"
check_equal "a request without a Host is none" \
	"$(asked no-host | cut -d ' ' -f 2)" 400
check "nor is one with a NUL in it" within \
	"$(asked nul | cut -d ' ' -f 2)" 400 403
check "who does not finish a request is dropped" \
	within "$(asked unfinished)" 4 9
check "nor may it come drop by drop" within "$(asked drip)" 4 9
check "nor its body" within "$(asked drip-body)" 4 12
check "or without it" within "$(asked no-body)" 4 9
check "a line that never ends is no request" within "$(asked long-line)" 0 9
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
check_equal "connections have a limit, and room is made for those who ask" \
	"$(crowd)" "refused 200"
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
