/* SPDX-License-Identifier: MIT */
/*
 * http.h - the HTTP server: connections, their limits, their ends.
 *
 * One thread, the caller's: http_run() does what is due whenever http_fd() is
 * readable, or http_wait_ms() has passed, and calls back from there. A call
 * that is not answered in its callback waits; when its client goes away
 * meanwhile the owner is told and need not answer any more.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/answer.h"
#include "util/error.h"

struct http;
struct http_call;

struct http_hooks {
	void *ctx;
	/* The head of a request is there, its body is not: answer to refuse. */
	void (*meet)(void *ctx, struct http_call *call);
	/* All of it is there. */
	void (*take)(void *ctx, struct http_call *call);
	/* Nobody waits for the answer any more; @call is gone after this. */
	void (*leave)(void *ctx, struct http_call *call);
};

struct http_limits {
	unsigned max_clients; /* calls that wait at a time */
};

/* False if psample was built without the library that this needs. */
bool http_is_possible(void);
const char *http_library_version(void);

/* @listeners (struct listener) stay the caller's. */
struct error *http_open(const struct vec *listeners,
			const struct http_limits *limits,
			const struct http_hooks *hooks,
			struct http **out) MUST_USE;
/* Calls that still wait are dropped, without leave(). */
void http_close(struct http *http);

int http_fd(const struct http *http);
int http_wait_ms(struct http *http);
void http_run(struct http *http);

struct http_counts {
	uint64_t requests, refused; /* refused: too many, or too slow */
	unsigned connections, waiting;
};

struct http_counts http_counts(const struct http *http);

/* Do as many calls wait as may? Then another one is to be refused. */
bool http_is_full(struct http *http);

const char *http_method(const struct http_call *call);
const char *http_target(const struct http_call *call); /* as it came */
const char *http_header(const struct http_call *call, const char *name);
const struct strbuf *http_body(const struct http_call *call);
bool http_is_local(const struct http_call *call); /* by a unix socket */
bool http_is_answered(const struct http_call *call);

/* @answer is taken over. */
void http_answer(struct http_call *call, struct answer *answer);

#endif
