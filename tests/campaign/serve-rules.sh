#!/bin/sh
# SPDX-License-Identifier: MIT
# serve-rules.sh - take each rule of psample serve's security out, one by one,
# and see which test fails.
#
#	serve-rules.sh [DIR [RULE...]]
#
# DIR is for a copy of the sources and a build of it, made by the first call.
# A rule that can be taken out without any test failing is printed as
# "not ok". With RULEs only those.
set -u
: "${top_srcdir:=.}"
top_srcdir=$(cd "$top_srcdir" && pwd)
dir=${1:-${TMPDIR:-/tmp}/serve-rules}
[ $# = 0 ] || shift
wanted=" $* "
n=0
failed=0

if [ ! -e "$dir/build/psample" ]; then
	mkdir -p "$dir/build" "$dir/pristine" || exit 1
	cp -a "$top_srcdir/." "$dir/tree"
	cp -a "$top_srcdir/src" "$dir/pristine"
	(cd "$dir/build" && ../tree/configure -q) || exit 1
	make -s -C "$dir/build" -j2 psample tests/programs/truth \
		tests/unit/test_serve >"$dir/log" 2>&1 || exit 1
fi
dir=$(cd "$dir" && pwd)

run_test() { # TEST
	case $1 in
	unit)	make -s -C "$dir/build" tests/unit/test_serve \
			>"$dir/log" 2>&1
		"$dir/build/tests/unit/test_serve" ;;
	slow)	python3 "$dir/tree/tests/campaign/serve_slow.py" \
			"$dir/build/psample" \
			"$dir/build/tests/programs/truth" ;;
	*)	top_srcdir=$dir/tree top_builddir=$dir/build \
			PSAMPLE=$dir/build/psample \
			timeout -s KILL 110 sh "$dir/tree/tests/run/$1.sh" ;;
	esac
}

# rule NAME TEST FILE SED: without what SED changes in FILE, TEST must fail
rule() {
	case $wanted in
	"  "|*" $1 "*) ;;
	*)	return ;;
	esac
	n=$((n + 1))
	file=$dir/tree/src/serve/$3
	sed "$4" "$dir/pristine/src/serve/$3" >"$file"
	if cmp -s "$file" "$dir/pristine/src/serve/$3"; then
		result="not ok $n - $1: sed finds nothing in $3"
	elif ! make -s -C "$dir/build" psample >"$dir/log" 2>&1; then
		result="not ok $n - $1: does not compile, see $dir/log"
	elif run_test "$2" >"$dir/out" 2>&1; then
		result="not ok $n - $1: $2 does not notice"
	else
		result="ok $n - $1: $(grep '^not ok' "$dir/out" | head -n 1 |
			sed "s/^not ok \([0-9]*\) -/$2 \1,/")"
	fi
	case $result in
	not*)	failed=1 ;;
	esac
	echo "$result"
	cp "$dir/pristine/src/serve/$3" "$file"
}

# --- who -----------------------------------------------------------------
rule host unit gate.c \
	's/if (!ask->is_local && !is_ours(gate, ask->host))/if (0)/'
rule host-e2e serve-security gate.c \
	's/if (!ask->is_local && !is_ours(gate, ask->host))/if (0)/'
rule no-host unit gate.c 's/if (!ask->is_local && !ask->host)/if (0)/'
rule names-are-no-addresses unit gate.c \
	's/(gate->is_open && is_address(host))/gate->is_open/'
rule addresses-only-where-open unit gate.c \
	's/(gate->is_open && is_address(host))/is_address(host)/'
rule origin serve-security gate.c \
	's/if (ask->origin && !is_our_origin(gate, ask->origin))/if (0)/'
rule null-origin unit gate.c \
	's/^	return false;\(.*\)$/	return true;\1/'
rule other-sites serve-security gate.c \
	's/return !ask->is_page ||/return 0 \&\&/'
rule links-lead-to-pages-only unit gate.c 's/return !ask->is_page ||/return/'
rule token serve-security gate.c 's/if (gate->token && ask->needs_token/if (0/'
rule whole-token unit gate.c 's/difference = len != n/difference = 0/'
rule token-is-needed serve-security routes.c \
	's/ask.needs_token = strcmp.*/ask.needs_token = false;/'
rule token-is-secret serve-security gate.c \
	's/st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)/0/'
rule token-is-long serve-security gate.c 's/len < TOKEN_MIN/len < 1/'
rule token-in-no-log serve-security routes.c \
	's/log_info("%s %s", http_method(call)/log_info("%s %s", \
		http_header(call, "Authorization")/'
# --- where ---------------------------------------------------------------
rule loopback-only serve-security serve.c \
	's/if (listener->is_loopback || serve->gate.token ||/if (1 ||/'
rule loopback-is-127 serve-security listen.c \
	's/== 127;/>= 0;/'
rule default-is-localhost serve-security serve.c \
	's/"localhost:" SERVE_PORT/"0.0.0.0:" SERVE_PORT/'
rule localhost-is-loopback serve-security listen.c \
	's/htonl(INADDR_LOOPBACK)/0/'
rule socket-mode serve-security listen.c \
	's/MODE_DEFAULT 0600/MODE_DEFAULT 0666/'
rule socket-of-others serve-security listen.c \
	's/if (err != ECONNREFUSED)/if (0)/'
rule no-file-is-removed serve-security listen.c \
	's/if (!S_ISSOCK(st.st_mode))/if (0)/'
# --- what goes back ------------------------------------------------------
rule nosniff serve-security answer.c 's/"X-Content-Type-Options"/"X-Other"/'
rule csp serve-security answer.c "s/default-src 'none'/default-src */"
rule no-cors serve-security answer.c 's/"X-Content-Type-Options", "nosniff");/&\
	answer_add_header(answer, "Access-Control-Allow-Origin", "*");/'
rule own-resources serve-security answer.c 's/"same-origin"/"cross-origin"/'
rule no-store serve-security answer.c 's/"no-store"/"public"/'
rule escaped serve-security pages.c \
	's/add_escaped(line, out);/strbuf_adds(out, line);/'
# --- for what ------------------------------------------------------------
rule named-pids-only serve-security targets.c \
	's/if (!targets->allows_pids)/if (0)/'
rule own-threads-only serve-security routes.c \
	's/if (x->ask.pids\[i\] == pid) {/if (1) {/'
rule pids-are-not-reused unit targets.c \
	's/stat.start_ticks == target->start_ticks &&//'
rule heap-when-allowed serve routes.c \
	's/if (!x->serve->options.allows_heap)/if (0)/'
rule methods serve-security routes.c \
	's/!(route->posts && is_post(&x))/!is_post(\&x)/'
rule starts-nothing serve-security routes.c \
	's/^	log_info("%s %s", http_method(call).*/&\
	if (system("true") < 0)\
		return;/'
rule nothing-while-idle serve sampling.c \
	's/	} else if (s->clients.n &&$/	} if (s->clients.n \&\&/
	s/if (!s->clients.n && s->session) {/if (0) {/
	s/if (n_due == s->clients.n)/if (0)/'
rule who-leaves-ends serve http.c \
	's/else if (connection && connection->is_waiting)/else if (0)/'
rule who-leaves-is-told serve serve.c \
	's/worker_ask(job.post->worker, &drop);/(void)drop;/'
# --- how much ------------------------------------------------------------
rule head serve-security http.c 's/HEAD_BYTES_MAX 16384/HEAD_BYTES_MAX 4194304/'
rule body serve-security http.c 's/(size_t)1 << 20/(size_t)1 << 30/'
rule body-of-get serve-security routes.c \
	's/strcmp(http_method(call), "POST") && has_body(call)/0/'
rule clients serve-security http.c \
	's/is_full = http->counts.waiting >= .*/is_full = false;/'
rule connections serve-security http.c \
	's/if (http->connections.n >= max)/if (max == 0)/'
rule idle-make-room serve-security http.c \
	's/^			drop_idle(http);//'
rule seconds serve-security routes.c \
	's/if (seconds <= x->serve->options.max_seconds)/if (1)/'
rule rate serve-security routes.c \
	's/if (hz <= x->serve->options.max_hz)/if (1)/'
rule slow-requests serve-security http.c 's/REQUEST_NS (5 \*/REQUEST_NS (500 */'
rule whole-requests serve-security http.c \
	's/^	if (\*data_len) {/&\
		call->connection->deadline_ns = clock_now_ns() + REQUEST_NS;/'
rule slow-readers slow http.c 's/ANSWER_NS (30 \*/ANSWER_NS (3000 */'
rule idle-connections slow http.c 's/IDLE_NS (15 \*/IDLE_NS (1500 */'
echo "1..$n"
exit $failed
