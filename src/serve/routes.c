/* SPDX-License-Identifier: MIT */
/*
 * routes.c - which path is answered how, in the words of net/http/pprof.
 *
 * A fixed table, and no file system behind it.
 */
#include <stdio.h>
#include <sys/types.h>

#include "serve/server.h"
#include "serve/symbols.h"
#include "target/proc.h"
#include "util/clock.h"
#include "util/log.h"

#define SECONDS_DEFAULT 30
#define HZ_DEFAULT 100
#define GO_PREFIX "/debug/pprof"
#define GPERF_PREFIX "/pprof"

void route_fail(struct http_call *call, unsigned status, const char *text)
{
	struct answer answer;

	answer_init_error(&answer, status, text);
	if (status == 401)
		answer_add_header(&answer, "WWW-Authenticate",
				  "Basic realm=\"psample\", Bearer");
	if (status == 429)
		answer_add_header(&answer, "Retry-After", "1");
	http_answer(call, &answer);
}

static void fail(const struct exchange *x, unsigned status, const char *text)
{
	route_fail(x->call, status, text);
}

static void answer_text(const struct exchange *x, const char *type,
			struct strbuf *body)
{
	struct answer answer;

	answer_init(&answer, 200, type);
	answer.body = *body;
	*body = (struct strbuf){ 0 };
	http_answer(x->call, &answer);
}

static bool is_post(const struct exchange *x)
{
	return !strcmp(http_method(x->call), "POST");
}

static bool is_head(const struct exchange *x)
{
	return !strcmp(http_method(x->call), "HEAD");
}

/* False, and the answer is on its way, if there is no target now. */
static bool choose(struct exchange *x)
{
	CLEANUP(free) char *why = NULL;
	unsigned status = targets_choose(x->serve->targets, x->pid, &x->ask,
					 &why);

	if (status)
		fail(x, status, why);
	return !status;
}

/* --- arguments ----------------------------------------------------------- */

/* As strconv.Atoi() with its error thrown away. */
static int64_t number_or_zero(const struct exchange *x, const char *key)
{
	const char *text = request_find(&x->request, key);
	int64_t value;

	return text && request_parse_int(text, &value) ? value : 0;
}

static bool take_seconds(struct exchange *x, int64_t seconds)
{
	CLEANUP(free) char *text = NULL;

	x->ask.duration_ns = seconds * NS_PER_S;
	if (seconds <= x->serve->options.max_seconds)
		return true;
	text = xasprintf("profile duration exceeds this server's limit of "
			 "%lld seconds, see --max-seconds",
			 (long long)x->serve->options.max_seconds);
	fail(x, 400, text);
	return false;
}

/* hz=, or as some say rate=; like seconds= it has a default for nonsense. */
static bool take_rate(struct exchange *x)
{
	int64_t hz = number_or_zero(x, "hz");
	CLEANUP(free) char *text = NULL;

	if (hz <= 0)
		hz = number_or_zero(x, "rate");
	if (hz <= 0)
		hz = HZ_DEFAULT;
	if (hz <= x->serve->options.max_hz) {
		x->ask.period_ns = NS_PER_S / hz;
		return true;
	}
	text = xasprintf("hz=%lld exceeds this server's limit of %lld, see "
			 "--max-rate", (long long)hz,
			 (long long)x->serve->options.max_hz);
	fail(x, 400, text);
	return false;
}

static bool take_tid(struct exchange *x)
{
	const char *text = request_find(&x->request, "tid");
	int64_t tid;
	pid_t pid;

	if (!text)
		return true;
	if (!request_parse_int(text, &tid) || tid <= 0 || tid > INT32_MAX) {
		fail(x, 400, "invalid value for \"tid\" - must be a positive "
			     "integer");
		return false;
	}
	pid = proc_thread_group((pid_t)tid);
	for (uint32_t i = 0; i < x->ask.n_pids; i++)
		if (x->ask.pids[i] == pid) {
			x->ask.tid = (int32_t)tid;
			return true;
		}
	fail(x, 404, "the target has no such thread");
	return false;
}

/* --- profiles ------------------------------------------------------------ */

static void answer_head(struct exchange *x)
{
	struct answer answer;

	answer_init_file(&answer, x->ask.name);
	http_answer(x->call, &answer);
}

static void sample(struct exchange *x, enum ask_kind kind)
{
	int64_t seconds = number_or_zero(x, "seconds");

	x->ask.kind = kind;
	snprintf(x->ask.name, sizeof(x->ask.name), "%s",
		 kind == ASK_WALL ? "wall" : "profile");
	if (!take_seconds(x, seconds > 0 ? seconds : SECONDS_DEFAULT) ||
	    !take_rate(x) || !choose(x) || !take_tid(x))
		return;
	if (is_head(x))
		answer_head(x);
	else
		serve_post(x, WORKER_SAMPLING);
}

static void run_profile(struct exchange *x)
{
	sample(x, ASK_CPU);
}

static void run_wall(struct exchange *x)
{
	sample(x, ASK_WALL);
}

/* As serveDeltaProfile() checks it; false if it is no good. */
static bool take_delta(struct exchange *x)
{
	const char *text = request_find(&x->request, "seconds");
	int64_t seconds;

	if (!text || !*text)
		return true;
	if (!request_parse_int(text, &seconds) || seconds <= 0) {
		fail(x, 400, "invalid value for \"seconds\" - must be a "
			     "positive integer");
		return false;
	}
	if (number_or_zero(x, "debug")) {
		fail(x, 400, "seconds and debug params are incompatible");
		return false;
	}
	return take_seconds(x, seconds);
}

/* goroutine and threadcreate: both are the threads of a native program. */
static void run_threads(struct exchange *x)
{
	int64_t debug = number_or_zero(x, "debug");

	if (!take_delta(x))
		return;
	x->ask.kind = ASK_THREADS;
	x->ask.debug = debug < 0 ? 1 : debug > 2 ? 2 : (uint32_t)debug;
	if (x->ask.debug == 2 && strcmp(x->name, "goroutine") != 0)
		x->ask.debug = 1;
	snprintf(x->ask.name, sizeof(x->ask.name), "%s%s", x->name,
		 x->ask.duration_ns ? "-delta" : "");
	if (!choose(x) || !take_tid(x))
		return;
	if (is_head(x))
		answer_head(x);
	else
		serve_post(x, WORKER_SAMPLING);
}

static void run_heap(struct exchange *x)
{
	int64_t debug = number_or_zero(x, "debug");

	if (!take_delta(x) || !choose(x))
		return;
	if (!x->serve->options.allows_heap) {
		fail(x, 503, "allocation profiles change the target's memory; "
			     "this server was started without --heap");
		return;
	}
	if (number_or_zero(x, "gc") > 0)
		x->note = "no garbage was collected first: that cannot be "
			  "had from outside";
	x->ask.kind = ASK_HEAP;
	x->ask.debug = debug != 0;
	snprintf(x->ask.name, sizeof(x->ask.name), "%s%s", x->name,
		 x->ask.duration_ns ? "-delta" : "");
	if (x->ask.pid)
		x->ask.pids[0] = x->ask.pid;
	if (is_head(x))
		answer_head(x);
	else
		serve_post(x, WORKER_HEAP);
}

/* --- the rest ------------------------------------------------------------ */

/* As the kernel has them; or as gperftools, one argument a line. */
static void tell_arguments(struct exchange *x, bool by_line)
{
	struct strbuf body = { 0 };
	size_t len = 0;
	CLEANUP(free) char *arguments = NULL;

	if (!choose(x))
		return;
	arguments = proc_read_arguments(x->ask.pids[0], &len);
	for (size_t i = 0; i < len; i++)
		strbuf_addc(&body, arguments[i] || !by_line ? arguments[i]
							    : '\n');
	if (by_line)
		strbuf_addc(&body, '\n');
	answer_text(x, ANSWER_TEXT, &body);
}

static void run_cmdline(struct exchange *x)
{
	tell_arguments(x, false);
}

static void run_cmdline_lines(struct exchange *x)
{
	tell_arguments(x, true);
}

static void name_addresses(struct exchange *x, bool is_tabbed)
{
	struct symbols_ask ask = { .is_tabbed = is_tabbed };

	if (!choose(x))
		return;
	ask.pid = x->ask.pids[0];
	ask.text = x->request.query;
	ask.len = strlen(x->request.query);
	if (is_post(x)) {
		ask.text = http_body(x->call)->data;
		ask.len = http_body(x->call)->len;
	}
	serve_post_once(x, symbols_main, &ask);
}

static void run_symbol(struct exchange *x)
{
	name_addresses(x, false);
}

static void run_symbol_tabs(struct exchange *x)
{
	struct strbuf body = { 0 };

	if (is_post(x)) {
		name_addresses(x, true);
		return;
	}
	strbuf_adds(&body, "num_symbols: 1\n");
	answer_text(x, ANSWER_TEXT, &body);
}

static void run_index(struct exchange *x)
{
	struct strbuf body = { 0 };

	page_index(x, &body);
	answer_text(x, ANSWER_HTML, &body);
}

static void run_metrics(struct exchange *x)
{
	struct strbuf body = { 0 };

	page_metrics(x->serve, &body);
	answer_text(x, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void run_health(struct exchange *x)
{
	struct strbuf body = { 0 };

	strbuf_adds(&body, "ok\n");
	answer_text(x, ANSWER_TEXT, &body);
}

/* Only within Go's runtime, or gperftools', can these be had. */
static void run_unknown(struct exchange *x)
{
	fail(x, 404, "Unknown profile");
}

enum tree { TREE_GO = 1, TREE_GPERF = 2, TREE_OTHER = 4 };

struct route {
	const char *path; /* below the tree's prefix */
	void (*run)(struct exchange *x);
	unsigned trees; /* in which it is */
	bool posts;
};

static const struct route routes[] = {
	{ "", run_index, TREE_GO, false },
	{ "profile", run_profile, TREE_GO | TREE_GPERF, false },
	{ "wall", run_wall, TREE_GO | TREE_GPERF, false },
	{ "heap", run_heap, TREE_GO | TREE_GPERF, false },
	{ "allocs", run_heap, TREE_GO, false },
	{ "goroutine", run_threads, TREE_GO, false },
	{ "threadcreate", run_threads, TREE_GO, false },
	{ "cmdline", run_cmdline, TREE_GO, false },
	{ "cmdline", run_cmdline_lines, TREE_GPERF, false },
	{ "symbol", run_symbol, TREE_GO, true },
	{ "symbol", run_symbol_tabs, TREE_GPERF, true },
	{ "/healthz", run_health, TREE_OTHER, false },
	{ "/metrics", run_metrics, TREE_OTHER, false },
};

static const struct route *find_in(enum tree tree, const char *name)
{
	static const struct route unknown = { NULL, run_unknown, 0, false };

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (routes[i].trees & tree && !strcmp(routes[i].path, name))
			return &routes[i];
	return tree == TREE_OTHER ? NULL : &unknown;
}

/* "/pid/12/debug/pprof/" -> 12, and the rest; NULL if it is not that. */
static const char *skip_pid(const char *path, pid_t *out)
{
	int64_t pid = 0;

	*out = 0;
	if (strncmp(path, "/pid/", 5))
		return path;
	for (path += 5; *path >= '0' && *path <= '9'; path++) {
		pid = 10 * pid + (*path - '0');
		if (pid > INT32_MAX)
			return NULL;
	}
	*out = (pid_t)pid;
	return pid && *path == '/' ? path : NULL;
}

static const struct route *find_route(struct exchange *x)
{
	const char *path = skip_pid(x->request.path, &x->pid);

	if (!path)
		return NULL;
	x->name = path;
	if (!strncmp(path, GO_PREFIX "/", sizeof(GO_PREFIX))) {
		x->name = path + sizeof(GO_PREFIX);
		return find_in(TREE_GO, x->name);
	}
	if (!strncmp(path, GPERF_PREFIX "/", sizeof(GPERF_PREFIX))) {
		x->name = path + sizeof(GPERF_PREFIX);
		return find_in(TREE_GPERF, x->name);
	}
	return x->pid ? NULL : find_in(TREE_OTHER, path);
}

/* "/" and "/debug/pprof" lead to the index. */
static bool redirect(struct exchange *x)
{
	struct answer answer;
	size_t len = strlen(x->request.path);
	CLEANUP(free) char *to = NULL;
	pid_t pid;
	const char *rest = skip_pid(x->request.path, &pid);

	if (!rest || (strcmp(rest, GO_PREFIX) && strcmp(rest, "/")))
		return false;
	if (!strcmp(rest, "/"))
		to = xasprintf("%.*s" GO_PREFIX "/", (int)(len - 1),
			       x->request.path);
	else
		to = xasprintf("%s/", x->request.path);
	answer_init(&answer, 301, ANSWER_HTML);
	answer_add_header(&answer, "Location", to);
	/* of digits and our own words */
	strbuf_addf(&answer.body, "<a href=\"%s\">Moved Permanently</a>.\n\n",
		    to);
	http_answer(x->call, &answer);
	return true;
}

/* --- the front door ------------------------------------------------------ */

static bool has_body(const struct http_call *call)
{
	const char *len = http_header(call, "Content-Length");

	return http_header(call, "Transfer-Encoding") ||
	       (len && strcmp(len, "0") != 0);
}

static bool is_page(const char *path)
{
	size_t n = strlen(path);

	return n && path[n - 1] == '/';
}

void route_meet(struct serve *serve, struct http_call *call)
{
	struct gate_ask ask = {
		.host = http_header(call, "Host"),
		.origin = http_header(call, "Origin"),
		.fetch_site = http_header(call, "Sec-Fetch-Site"),
		.fetch_mode = http_header(call, "Sec-Fetch-Mode"),
		.authorization = http_header(call, "Authorization"),
		.is_local = http_is_local(call),
		.needs_token = true,
	};
	struct request request;
	const char *reason;
	unsigned status;

	if (!request_parse(http_target(call), &request)) {
		route_fail(call, 400, "this is no path");
		return;
	}
	ask.is_page = is_page(request.path);
	ask.needs_token = strcmp(request.path, "/healthz") != 0;
	request_clear(&request);
	status = gate_check(&serve->gate, &ask, &reason);
	if (status)
		route_fail(call, status, reason);
	else if (strcmp(http_method(call), "POST") && has_body(call))
		route_fail(call, 400, "a request of this method has no body");
}

static void refuse_method(const struct exchange *x, const struct route *route)
{
	struct answer answer;

	answer_init_error(&answer, 405, "Method Not Allowed");
	answer_add_header(&answer, "Allow",
			  route->posts ? "GET, HEAD, POST" : "GET, HEAD");
	http_answer(x->call, &answer);
}

void route_take(struct serve *serve, struct http_call *call)
{
	struct exchange x = { .serve = serve, .call = call };
	const struct route *route;

	if (!request_parse(http_target(call), &x.request)) {
		fail(&x, 400, "this is no path");
		return;
	}
	route = find_route(&x);
	log_info("%s %s", http_method(call), x.request.path);
	if (!route) {
		if (!redirect(&x))
			fail(&x, 404, "404 page not found");
	} else if (strcmp(http_method(call), "GET") && !is_head(&x) &&
		   !(route->posts && is_post(&x))) {
		refuse_method(&x, route);
	} else {
		route->run(&x);
	}
	request_clear(&x.request);
}
