# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# http.sh - a server of profiles and its clients. Sourced after lib.sh.

cd "$scratch" || exit 1

requires_serve() {
	if "$PSAMPLE" serve 2>&1 | grep -q 'built without'; then
		skip_all "psample was built without libmicrohttpd"
	fi
}

# start_server OPTION...: sets server, port (if it is one)
start_server() {
	rm -f server.err # of the one before
	"$PSAMPLE" serve -l "${listen:-127.0.0.1:0}" "$@" >server.out \
		2>server.err </dev/null 9>&- &
	server=$!
	target_pids="$target_pids $server"
	if ! wait_until 20 grep -q 'serving at' server.err; then
		diag_file server.err
		not_ok "the server starts"
		exit 1
	fi
	port=$(sed -n 's/.*serving at http.*:\([0-9]*\)\/.*/\1/p' server.err |
		head -n 1)
}

stop_server() {
	kill -TERM "$server"
	wait "$server"
	server_status=$?
}

# http_get ARGUMENT...: never longer than a minute, never by a proxy
http_get() {
	curl -s --noproxy '*' --max-time 90 -g "$@"
}

# The same in place of a shell in the background, which can then be killed
exec_http_get() {
	exec curl -s --noproxy '*' --max-time 90 -g "$@" 9>&-
}

# The status; head and body are in files of these names.
get_status() { # ARGUMENT...
	http_get -D head -o body -w '%{http_code}' "$@"
}

# Is the last sample type of the profile FILE that?
is_type() { # TYPE FILE
	"$PSAMPLE" report --raw "$2" 2>/dev/null |
		sed -n '/^Samples:/{n;p;}' | grep -q " *$1/[a-z]*\(\[dflt\]\)*$"
}

duration_s() { # FILE: rounded
	"$PSAMPLE" report --top "$1" 2>/dev/null |
		sed -n 's/^Duration: \([0-9.]*\)\([a-z]*\),.*/\1 \2/p' |
		awk '{ printf "%.0f\n", $1 / ($2 == "ms" ? 1000 : 1) }'
}
