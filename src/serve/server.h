/* SPDX-License-Identifier: MIT */
/* server.h - the server's state, shared by serve.c, routes.c and pages.c. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "serve/http.h"
#include "serve/request.h"
#include "serve/serve.h"

enum worker_kind {
	WORKER_SAMPLING,
	WORKER_HEAP,
	WORKER_ONCE, /* for one job */
};

/* A worker, and which target it is for. */
struct post {
	struct worker *worker;
	enum worker_kind kind;
	pid_t pid; /* of /pid/N; 0: what is listed */
};

/* A call that waits for a worker. */
struct job {
	uint32_t id;
	struct http_call *call;
	struct post *post;
	char file[24]; /* name for who saves the answer */
	const char *note; /* a header of the answer, or NULL */
};

struct serve {
	struct serve_options options;
	const struct targets *targets;
	struct gate gate;
	struct vec listeners; /* struct listener */
	struct http *http;
	struct vec posts; /* struct post * */
	struct vec jobs;  /* struct job */
	uint32_t next_id;
	int signal_fd;
	int64_t start_ns;
	int64_t watch_ns, watch_step_ns; /* heaps: when next, and after it */
	struct worker_stats totals;
	uint64_t n_profiles, n_failed;
};

/* What a handler works on. */
struct exchange {
	struct serve *serve;
	struct http_call *call;
	struct request request;
	const char *name; /* last part of the path */
	pid_t pid;	  /* of "/pid/N", or 0 */
	struct ask ask;	  /* its pids are chosen */
	const char *note; /* static, or NULL: what the answer lacks */
};

/* serve.c: hand @x->ask to a worker of @kind, whose reply is the answer. */
void serve_post(struct exchange *x, enum worker_kind kind);
/* The same for a worker of its own, which is not asked but given @arg. */
void serve_post_once(struct exchange *x, worker_main *main, const void *arg);

/* routes.c: answer, or begin to. */
void route_meet(struct serve *serve, struct http_call *call);
void route_take(struct serve *serve, struct http_call *call);
void route_fail(struct http_call *call, unsigned status, const char *text);

/* pages.c */
void page_index(const struct exchange *x, struct strbuf *out);
void page_metrics(const struct serve *serve, struct strbuf *out);

#endif
