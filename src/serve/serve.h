/* SPDX-License-Identifier: MIT */
/*
 * serve.h - psample serve: /debug/pprof/ for programs that never linked it.
 *
 * One thread with one loop. All that touches a target is done by workers
 * (worker.h), which are there only while somebody asks.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "serve/gate.h"
#include "serve/targets.h"

#define SERVE_PORT "6060"

struct serve_options {
	struct vec listens;	 /* const char *; empty: localhost */
	struct vec hosts;	 /* const char *, names that are ours */
	const char *token_file;	 /* or NULL */
	bool is_insecure;	 /* other addresses without a token */
	bool allows_heap;
	unsigned max_clients;
	int64_t max_seconds;
	double max_hz;
};

#define SERVE_OPTIONS_DEFAULT                                                 \
	(struct serve_options)                                                \
	{                                                                     \
		.listens = VEC_OF(const char *),                              \
		.hosts = VEC_OF(const char *), .max_clients = 32,             \
		.max_seconds = 600, .max_hz = 1000                            \
	}

struct serve;

/* False if this psample has no HTTP server in it. */
bool serve_is_possible(void);

/*
 * Listen; nothing is answered yet. @targets stays the caller's and may be
 * filled until serve_run().
 */
struct error *serve_open(const struct serve_options *options,
			 const struct targets *targets,
			 struct serve **out) MUST_USE;
void serve_close(struct serve *serve);
DEFINE_CLEANUP(serve_close, struct serve *)

/*
 * Answer until a signal says to end, or @program (0: none) has: then its
 * status as of waitpid(2) is in @out_status, which is 0 otherwise.
 */
struct error *serve_run(struct serve *serve, pid_t program,
			int *out_status) MUST_USE;

#endif
