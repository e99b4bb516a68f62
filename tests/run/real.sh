# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# real.sh - programs that nobody here wrote, under load, launched and
# attached. Sourced after figures.sh by real-programs.sh and by the campaign.
#
# For each program: real_PROGRAM_start readies its input or load and sets
# $real_command; real_hot is a regex of frames that are known to be on nearly
# all of its stacks, real_percent how much of the time they must have.

: "${REAL_SECONDS:=2}" "${REAL_HZ:=500}" "${REAL_ROOTED:=97}"
real_programs="python3 perl sqlite3 xz openssl cc1 redis nginx"
real_profile=$scratch/real.folded

# One long-running command line for each; the loops end by themselves.
real_python3() {
	real_needs=/usr/bin/python3
	real_hot='_PyEval_EvalFrameDefault' real_percent=80
	cat >"$scratch/loop.py" <<'EOS'
import sys
def inner(n):
    return sum(i * i % 7 for i in range(n))
def outer(n):
    return [inner(1000) for _ in range(n)]
for _ in range(int(sys.argv[1])):
    outer(1000)
EOS
	set_command /usr/bin/python3 "$scratch/loop.py" $((REAL_SECONDS * 25))
}

real_perl() {
	real_needs=perl
	real_hot='Perl_runops_standard' real_percent=90
	# shellcheck disable=SC2016 # perl's, not ours
	set_command perl -e 'my %h; for my $i (1 .. 4e6 * $ARGV[0]) {
		$h{$i % 1000} .= "x" if $i % 3; $h{$i % 1000} =~ s/xxx/y/ }
		print scalar(keys %h), "\n"' "$REAL_SECONDS"
}

real_sqlite3() {
	real_needs=sqlite3
	real_hot='sqlite3_step' real_percent=90
	set_command sqlite3 :memory: "WITH RECURSIVE n(i) AS (SELECT 1 UNION \
ALL SELECT i + 1 FROM n WHERE i < $((REAL_SECONDS * 2500000))) \
SELECT count(*), sum(length(hex(i))) FROM n WHERE i % 3"
}

real_xz() {
	real_needs=xz
	real_hot='lzma_code' real_percent=90
	# Compressible, but not easily: numbers as text.
	[ -e "$scratch/numbers" ] || awk -v n=$((REAL_SECONDS * 150000)) \
		'BEGIN { for (i = 0; i < n; i++) print i * i % 1000003 }' \
		>"$scratch/numbers"
	set_command xz -9 -k -c -T1 "$scratch/numbers"
}

real_openssl() {
	real_needs=openssl
	real_hot='BN_mod_exp_mont' real_percent=70
	set_command openssl speed -seconds $((REAL_SECONDS / 2)) rsa2048
}

# A driver that runs cc1 and as: the hot part is in a child.
real_cc1() {
	real_needs=gcc
	real_hot='toplev::main|_ZN6toplev4mainEiPPc' real_percent=60
	[ -e "$scratch/large.c" ] || awk -v n=$((REAL_SECONDS * 130)) 'BEGIN {
		for (i = 0; i < n; i++) {
			print "int f" i "(int *p, int n) { int s = " i ";"
			print "for (int i = 0; i < n; i++) { s += p[i] * " i
			print "; if (s & " i ") p[i] ^= s; } return s; }"
		} }' >"$scratch/large.c"
	set_command gcc -O2 -c -o "$scratch/large.o" "$scratch/large.c"
}

real_redis() {
	real_needs="redis-server redis-benchmark"
	real_hot='aeMain' real_percent=80
	port=$((20000 + $$ % 10000))
	set_command redis-server --port $port --bind 127.0.0.1 --save '' \
		--appendonly no --dir "$scratch" --daemonize no
	set_load redis-benchmark -h 127.0.0.1 -p $port -q -c 20 -n 100000000 \
		-t set,get,lpush,lrange_100
}

real_nginx() {
	real_needs="nginx wrk"
	real_hot='ngx_process_events_and_timers|ngx_worker_process_cycle' \
	real_percent=80
	port=$((30000 + $$ % 10000))
	mkdir -p "$scratch/nginx"
	chmod 755 "$scratch"
	cat >"$scratch/nginx/conf" <<EOS
daemon off; worker_processes 1; pid $scratch/nginx/pid;
error_log $scratch/nginx/error; events { worker_connections 256; }
http { access_log $scratch/nginx/access;
	client_body_temp_path $scratch/nginx/body;
	proxy_temp_path $scratch/nginx/proxy;
	fastcgi_temp_path $scratch/nginx/fastcgi;
	uwsgi_temp_path $scratch/nginx/uwsgi;
	scgi_temp_path $scratch/nginx/scgi;
	server { listen 127.0.0.1:$port; location / { return 200 "hello"; } }
}
EOS
	set_command nginx -e "$scratch/nginx/error" -c "$scratch/nginx/conf"
	set_load wrk -t 1 -c 10 -d 600 "http://127.0.0.1:$port/"
}

# --- running them -----------------------------------------------------

set_command() { # COMMAND...: remembered as a script, so that quotes survive
	real_load=
	write_script "$scratch/command" "$@"
}

set_load() {
	real_load=$scratch/load
	write_script "$real_load" "$@"
}

write_script() { # FILE COMMAND...
	script=$1
	shift
	{
		echo "echo \$\$ >'$script.pid'"
		printf 'exec'
		for word; do
			printf " '%s'" "$(printf %s "$word" |
				sed "s/'/'\\\\''/g")"
		done
		echo
	} >"$script"
}

load_start() {
	[ -z "$real_load" ] && return
	sh "$real_load" >"$scratch/load.out" 2>&1 </dev/null 9>&- &
	load_pid=$!
	target_pids="$target_pids $load_pid"
}

load_stop() {
	[ -z "$real_load" ] && return
	stop_target "$load_pid"
}

# A server is ready when its port answers.
is_answering() { # PORT
	python3 -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1"
}

server_wait() {
	[ -z "$real_load" ] || wait_until 10 is_answering "$port"
}

# A psample that fails may leave the program behind.
end_leftover() {
	leftover=$(cat "$scratch/command.pid")
	is_gone "$leftover" && return
	kill -TERM "$leftover" 2>/dev/null
	wait_until 5 is_gone "$leftover" || stop_target "$leftover"
}

# Launched, folded. A server gets its load and, after a while, its end.
real_launch() {
	rm -f "$real_profile"
	"$PSAMPLE" -F "$REAL_HZ" -f folded -o "$real_profile" -- \
		sh "$scratch/command" >"$scratch/real.out" \
		2>"$scratch/real.err" </dev/null 9>&- &
	real_sampler=$!
	target_pids="$target_pids $real_sampler"
	if [ -n "$real_load" ]; then
		server_wait
		load_start
		sleep "$REAL_SECONDS"
		load_stop
		kill -TERM "$real_sampler"
	fi
	wait "$real_sampler" 2>/dev/null
	end_leftover
	[ -e "$real_profile" ] || : >"$real_profile"
}

# The process with the work: the server's worker, the compiler's child.
real_worker() { # PID
	child=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	child=${child%% *}
	if [ -n "$child" ]; then
		real_worker "$child"
	else
		echo "$1"
	fi
}

has_worker() {
	worker=$(real_worker "$target_pid")
	[ -n "$worker" ] && has_used_more "$worker" 2
}

# Attached for half of the time, pprof.
real_attach() {
	rm -f "$scratch/real.pb.gz"
	start_background sh "$scratch/command"
	server_wait
	load_start
	wait_until 10 has_worker
	"$PSAMPLE" -F "$REAL_HZ" -d $((REAL_SECONDS / 2)) \
		-o "$scratch/real.pb.gz" -p "$worker" \
		>"$scratch/real.out" 2>"$scratch/real.err" </dev/null
	real_status=$?
	load_stop
	kill -TERM "$target_pid" 2>/dev/null
	[ "$worker" = "$target_pid" ] || kill -TERM "$worker" 2>/dev/null
	wait "$target_pid" 2>/dev/null
	return $real_status
}

# --- judging them: seven tests for each -------------------------------

real_tests=7

pprof_is_silent() { # OPTION
	if go tool pprof "$1" "$scratch/real.pb.gz" >"$scratch/pprof.out" \
		2>"$scratch/pprof.err" && [ ! -s "$scratch/pprof.err" ]; then
		return
	fi
	cat "$scratch/pprof.err"
	return 1
}

real_case_launched() { # PROGRAM
	real_launch
	check "$1, launched: what is known to be hot is named" within \
		"$(folded_match "$real_profile" "(^|;)($real_hot)")" \
		"$real_percent" 100 || diag "$(folded_leaves "$real_profile")"
	check "$1, launched: $REAL_ROOTED % of stacks reach their root" \
		within "$(summary_rooted "$scratch/real.err")" \
		"$REAL_ROOTED" 100 || diag_file "$scratch/real.err"
	check "$1, launched: no frame is without any name" within \
		"$(folded_match "$real_profile" \
			'(^|;)(0x[0-9a-f]+|[?][?])(;|$)')" \
		0 2 || diag "$(folded_leaves "$real_profile")"
	sed -n "s/^psample: /# $1: /p" "$scratch/real.err" |
		grep 'samples\|lost\|self-check'
}

real_case_attached() { # PROGRAM
	real_attach
	check_equal "$1, attached: status 0" $? 0 ||
		diag_file "$scratch/real.err"
	check "$1, attached: $REAL_ROOTED % of stacks reach their root" \
		within "$(summary_rooted "$scratch/real.err")" \
		"$REAL_ROOTED" 100 || diag_file "$scratch/real.err"
	if command -v go >/dev/null; then
		check "$1, attached: pprof -raw has nothing to say" \
			pprof_is_silent -raw
		check "$1, attached: pprof -top has nothing to say" \
			pprof_is_silent -top
	else
		skip "$1, attached: pprof -raw" "needs go"
		skip "$1, attached: pprof -top" "needs go"
	fi
}

real_case() { # PROGRAM
	"real_$1"
	for program in $real_needs; do
		command -v "$program" >/dev/null && continue
		for i in 1 2 3 4 5 6 7; do
			skip "$1, test $i" "needs $program"
		done
		return
	done
	real_case_launched "$1"
	real_case_attached "$1"
}
