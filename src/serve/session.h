/* SPDX-License-Identifier: MIT */
/*
 * session.h - one run of the sampler within a worker, and what clients take.
 *
 * A run keeps its rate and kind from its start to its end. When clients want
 * another one, the next is started, and this one is kept until they have
 * taken their parts of it: names are looked up then.
 */
#ifndef SERVE_SESSION_H
#define SERVE_SESSION_H

#include "sampler/collect.h"
#include "serve/shape.h"
#include "serve/worker.h"

#define SESSION_PHASES_MAX 1000

struct session_needs {
	int64_t period_ns; /* INT64_MAX: nobody needs anything */
	bool is_wall, by_thread;
	uint32_t n_phases; /* so many ticks are told apart */
};

struct session; /* a sampler at work, or one that has ended */

struct error *session_start(const struct session_needs *needs,
			    const pid_t *pids, size_t n_pids,
			    struct guard_page *guard,
			    struct session **out) MUST_USE;
/* Let the targets go; what was sampled stays. */
void session_stop(struct session *session);
/* Gone with its last holder; who started it is the first one. */
struct session *session_hold(struct session *session);
void session_release(struct session *session);

struct session_times {
	int64_t begin_ns, begin_wall_ns; /* CLOCK_MONOTONIC, CLOCK_REALTIME */
	int64_t end_ns;			 /* 0: not yet */
};

const struct session_times *session_times(const struct session *session);

const struct session_needs *session_needs(const struct session *session);

/* Readable when the targets have ended. */
int session_done_fd(const struct session *session);

/* What is in the profile up to now: struct profile_sample in @out. */
void session_mark(struct session *session, struct vec *out);

/*
 * fork(2) between two stacks of the run (NULL: none is at work), so that the
 * child finds profile and files whole.
 */
pid_t session_fork(struct session *session);

/* The profile with names, cut to @shape until session_unlock(). */
struct profile *session_lock(struct session *session,
			     struct symbolizer *symbolizer,
			     const struct shape *shape);
void session_unlock(struct session *session);

/* Everything up to now is in the profile from now on. */
void session_flush(struct session *session);

/* Since the last time. */
void session_count(struct session *session, struct worker_stats *out);

#endif
