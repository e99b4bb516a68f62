# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# kinds_real.sh - programs that people run, for the campaign of the matrix.
# Their truth is not known, but some frame that must be on most stacks is.
# Sourced after kinds_lang.sh.
: "${REAL_SECONDS:=4}"
go_main='runtime.goexit|runtime.mstart'

# real NAME TITLE HOT COMMAND...: launched, with its children
real() {
	begin_kind real "$1" "$2" || return 0
	real_hot=$3
	shift 3
	has_programs "$1" || return 0
	real_measure real_launch "$@"
}

# real_server NAME TITLE HOT: server_pids and load are set by server_start
real_server() {
	begin_kind real "$1" "$2" || return 0
	real_hot=$3 real_start=$4
	shift 4
	has_programs "$@" || return 0
	"$real_start" || return 0
	real_measure real_attach
	stop_target
}

real_launch() { # OPTIONS COMMAND...
	real_options=$1
	shift
	# shellcheck disable=SC2086 # words on purpose
	bounded "$PSAMPLE" $real_options -F "$MATRIX_HZ" -d "$k_seconds" \
		--kill -o "$work/prof.%p" -- "$@" \
		>"$work/out" 2>"$work/err" </dev/null
}

real_attach() { # OPTIONS
	start_load
	# shellcheck disable=SC2086
	bounded "$PSAMPLE" $1 -F "$MATRIX_HZ" -d "$REAL_SECONDS" \
		-o "$work/prof.1" -p "$server_pids" \
		>"$work/out" 2>"$work/err" </dev/null
	stop_target "$load_pid"
}

real_judge() { # HOW OPTIONS COMMAND...: prints what judge_real.awk prints
	forget_lists
	"$@"
	for judge_file in "$work"/prof.*; do
		"$PSAMPLE" raw "$judge_file" >"$work/raw" 2>>"$work/err"
		break
	done
	rm -f "$work/unnamed"
	awk -v hot="$real_hot" -v verbose="${MATRIX_VERBOSE:-}" \
		-v unnamed="$work/unnamed" \
		-f "$matrix/judge_real.awk" "$work/raw"
}

# Is there a table of all function names for FILE on this machine?
has_symbols() { # FILE
	readelf -S -W "$1" 2>/dev/null |
		grep -Eq ' \.(symtab|gnu_debugdata|gopclntab) ' && return
	id=$(readelf -n "$1" 2>/dev/null |
		sed -n 's/.*Build ID: \(..\)\(.*\)/\1\/\2/p')
	[ -n "$id" ] && [ -e "/usr/lib/debug/.build-id/$id.debug" ]
}

# Of the time without a name: that in files of which somebody knows them.
missed() {
	[ -e "$work/unnamed" ] || echo 0 >"$work/unnamed"
	while read -r percent file; do
		case $file in
		//anon) ;; # code made at run time, of which nobody left a list
		/*) has_symbols "$file" || percent=0 ;;
		esac
		echo "$percent"
	done <"$work/unnamed" | awk '{ sum += $1 } END { printf "%.1f", sum }'
}

real_perf() { # HOW COMMAND...
	how=$1
	shift
	perf_words="record -q -F $MATRIX_HZ -e cpu-clock:u
		--call-graph dwarf,16384 -o $work/perf"
	if [ "$how" = real_launch ]; then
		# shellcheck disable=SC2086
		bounded perf $perf_words -- timeout "$REAL_SECONDS" "$@"
	else
		start_load
		# shellcheck disable=SC2086
		bounded perf $perf_words -p "$server_pids" -- \
			sleep "$REAL_SECONDS"
		stop_target "$load_pid"
	fi >"$work/out" 2>"$work/perf.err" </dev/null
	perf_judge "$any_root|main|$go_main|runtime.mcall|start_thread"
}

real_measure() { # HOW COMMAND...
	how=$1
	shift
	cpu=$(real_judge "$how" '' "$@")
	missed=$(missed)
	cp "$work/err" "$work/$k_name.err"
	wall=$(real_judge "$how" '-e wall' "$@" | cut -d ' ' -f 2)
	perf=- libunwind=-
	if [ "$MATRIX_PEERS" = yes ] && [ "$k_peers" = yes ]; then
		libunwind=$(real_judge "$how" '--unwind libunwind' "$@" |
			cut -d ' ' -f 2)
		! command -v perf >/dev/null ||
			perf=$(real_perf "$how" "$@")
	fi
	# shellcheck disable=SC2086
	set -- $cpu
	printf '%s\t' "$k_name" "$k_title" "$1" "$2" "$wall" "$3" \
		"$missed" "$(column lines "$4")" "$5" "${perf:--}" \
		"$libunwind" \
		>"$row.row"
	printf '%s\n' "$k_note$(unsampled_note "$6")" >>"$row.row"
	echo "$matrix_build" >"$row.by"
	diag "$(tr '\t' '|' <"$row.row")"
	reset_kind
}

# --- the programs -----------------------------------------------------

# A large C++ file, a Rust one, a Java one: functions without end.
write_sources() {
	{
		echo '#include <regex>'
		echo '#include <map>'
		echo '#include <functional>'
		many 300 'template <int K> struct s@ { std::map<int,
			std::function<int(int)>> m; int f(int x) { m[x] =
			[=](int y) { return x * y + K; }; return m[x](K); } };
			int f@(int x) { return s@<@>().f(x); }'
	} >"$work/large.cc"
	many 2500 'pub fn f@(v: &mut Vec<u64>) -> u64 { v.sort();
		v.iter().map(|x| x.wrapping_mul(@)).filter(|x| x % 3 == 1)
		.fold(@, |a, b| a ^ b) }' >"$work/large.rs"
	{
		echo 'import java.util.*; class Large {'
		many 1000 'int f@(List<Integer> l) { Map<Integer, String> m =
			new HashMap<>(); for (int i : l) m.put(i, "x" + i);
			l.sort((a, b) -> b - a); return m.size() + @; }'
		echo '}'
	} >"$work/Large.java"
}

many() { # N TEXT: with the numbers 1 .. N for @
	awk -v n="$1" -v text="$2" 'BEGIN {
		for (i = 1; i <= n; i++) {
			line = text
			gsub(/@/, i, line)
			print line
		}
	}'
}

server_go() {
	(cd "$matrix/server" && GOFLAGS=-mod=mod GOTOOLCHAIN=local build \
		go build -ldflags '-s -w' -o "$bin" .) || return
	start_target "$bin"
	server_pids=$target_pid
	load="wrk -t 1 -c 8 -d 60 http://$(head -n 1 "$target_out")/json"
}

start_load() {
	# shellcheck disable=SC2086 # a command line
	$as_user $load >"$work/load.out" 2>&1 </dev/null 9>&- &
	load_pid=$!
	target_pids="$target_pids $load_pid"
}
as_user=

# A cluster of its own, of an ordinary user, reached by a socket only.
server_postgres() {
	PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
	[ "$(id -u)" != 0 ] || as_user="runuser -u postgres --"
	chmod 755 "$scratch" "$work"
	mkdir -p "$work/pg"
	chmod 777 "$work/pg"
	# shellcheck disable=SC2086 # a command, or nothing
	build $as_user env PATH="$PATH" initdb -D "$work/pg/data" -A trust \
		-U me || return
	# shellcheck disable=SC2086
	start_background $as_user env PATH="$PATH" postgres \
		-D "$work/pg/data" -k "$work/pg" -c listen_addresses= \
		-c fsync=off
	wait_until 20 pg_isready -h "$work/pg" || {
		cannot "postgres does not start"
		return 1
	}
	build pgbench -h "$work/pg" -U me -i -s 10 postgres || return
	server_pids=$(pgrep -d , -f "^postgres|$work/pg/data")
	load="env PATH=$PATH pgbench -h $work/pg -U me -S -c 4 -T 60 postgres"
}

kinds_real() {
	write_sources
	real real-python /usr/bin/python3 'Py_?Eval|PyEval' /usr/bin/python3 \
		"$matrix/real.py" $((REAL_SECONDS + 1))
	real real-node "node --perf-basic-prof: JSON, zlib, regex" \
		'node::|JS:' node --perf-basic-prof \
		--interpreted-frames-native-stack "$matrix/real.js" \
		$((REAL_SECONDS - 1))
	k_seconds=40 k_note='to its end: the list comes then'
	real real-java "javac, perf map" 'Interpreter|com.sun|javac' javac \
		-J-XX:+UnlockDiagnosticVMOptions \
		-J-XX:+PreserveFramePointer -J-XX:+DumpPerfMapAtExit \
		-J-XX:-MethodFlushing \
		-d "$work" "$work/Large.java"
	k_has=''
	real real-clang "clang++ -O2 of a large file (stripped)" \
		'clang|llvm' clang++ -O2 -c -o "$work/large.o" \
		"$work/large.cc"
	k_has='' k_seconds=10
	k_note='the first 50 ms: frames of more than 256 KiB'
	real real-rustc "rustc -O of a large file" 'rustc|llvm|LLVM' rustc \
		-O --crate-type lib --out-dir "$work" "$work/large.rs"
	real_server real-go "Go net/http server, stripped (-s -w)" \
		'net/http|runtime' server_go go wrk
	k_has=''
	real_server real-postgres "postgres under pgbench -S" \
		'PostgresMain|postgres' server_postgres pgbench runuser
	k_has=''
	k_note='27 processes start: the first copy of a stack may be short'
	real real-chromium "Chromium headless (stripped)" chromium \
		chromium --headless --no-sandbox --disable-gpu \
		--user-data-dir="$work/chromium" --remote-debugging-port=0 \
		"file://$matrix/real.html"
}
