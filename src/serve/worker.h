/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a child process of the server, which does all that touches a
 * target or reads its files.
 *
 * So a crash over a hostile file ends one answer and not the server, and each
 * target has one tracer, whatever its clients ask for. A worker is forked and
 * not executed; it ends when its server is gone (end of file).
 */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/strbuf.h"
#include "util/vec.h"

#define ASK_PIDS_MAX 256
#define ASK_NAME_MAX 24

enum ask_kind {
	ASK_CPU,     /* a profile of CPU time */
	ASK_WALL,    /* of all time */
	ASK_THREADS, /* the stacks of all threads, once */
	ASK_HEAP,    /* what a heap worker has, or gets within duration_ns */
	ASK_DROP,    /* nobody waits for @id any more */
};

/* What a worker is asked to do; sent as one packet. */
struct ask {
	uint32_t kind; /* enum ask_kind */
	uint32_t id;   /* chosen by the server, for the reply */
	uint32_t debug; /* 0: pprof; else as Go's debug= */
	uint32_t n_pids;
	int64_t period_ns;
	int64_t duration_ns; /* of ASK_THREADS, ASK_HEAP: 0, or a delta's */
	int32_t tid, pid; /* only this thread, this process; 0: all */
	char name[ASK_NAME_MAX]; /* of the profile, as Go calls it */
	int32_t pids[ASK_PIDS_MAX]; /* the target, when no run is under way */
};

enum reply_kind {
	REPLY_PROFILE, /* bytes for a file */
	REPLY_TEXT,
	REPLY_ERROR, /* a text for the client */
	REPLY_STATS, /* struct worker_stats; no reply to anything */
};

struct reply { /* followed by @len bytes */
	uint32_t kind; /* enum reply_kind */
	uint32_t id;
	uint32_t status; /* of HTTP */
	uint32_t flags;	 /* REPLY_... */
	uint64_t len;
};

#define REPLY_TARGET_ENDED 1u /* before the time was over */

/* Since the last one, for /metrics. */
struct worker_stats {
	uint64_t samples, ticks, late_ticks, missed_ticks, stops, dropped,
		unreadable, truncated, stacks;
	int64_t held_ns, held_max_ns, elapsed_ns;
	uint32_t is_attached;
	uint32_t zero;
};

struct worker_ends { /* as a worker sees it */
	int ask_fd, reply_fd;
};

/* What a worker is for; runs in the child and returns at its end. */
typedef void worker_main(const struct worker_ends *ends, const void *arg);

struct worker {
	pid_t pid;
	int ask_fd, reply_fd;
	struct strbuf in; /* of replies, not yet whole */
	struct vec asks;  /* struct ask, that it has no room for yet */
	unsigned n_jobs;
	int64_t idle_ns; /* since when it has none */
};

struct error *worker_start(worker_main *main, const void *arg,
			   struct worker **out) MUST_USE;
/* Let it end: it sees the end of file. Its exit is reaped elsewhere. */
void worker_free(struct worker *worker);

/* False if it is gone. */
bool worker_ask(struct worker *worker, const struct ask *ask);
/* Send what had no room; false if there is more of it. */
bool worker_flush(struct worker *worker);

/* Read what is there; false at the end of the worker. */
bool worker_read(struct worker *worker);

/* The same from any descriptor that does not block. */
bool worker_read_all(int fd, struct strbuf *out);

/*
 * The first whole reply, or false; its bytes are good until the reply is done
 * with.
 */
bool worker_first_reply(const struct worker *worker, struct reply *out,
			const char **out_bytes);
void worker_end_reply(struct worker *worker, const struct reply *reply);

/* --- in the worker ------------------------------------------------------- */

/* False at the end of the server. */
bool ends_receive(const struct worker_ends *ends, struct ask *out);
void ends_reply(const struct worker_ends *ends, const struct reply *reply,
		const void *bytes);
/* A text with a status, for REPLY_ERROR. */
void ends_reply_error(const struct worker_ends *ends, uint32_t id,
		      uint32_t status, const char *text);

#endif
