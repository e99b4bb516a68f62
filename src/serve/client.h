/* SPDX-License-Identifier: MIT */
/*
 * client.h - one who has asked a worker for samples, and its parts of runs.
 *
 * A client has what a run gained between its first and its last moment there.
 * When a run ends before the client does, it has a part of the next one.
 */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include "serve/session.h"

/* What a client has of one run. */
struct part {
	struct session *session; /* held */
	struct vec base; /* struct profile_sample: from before its begin */
	struct vec last; /* the same at its end, if the run went on */
	bool is_cut;	 /* it did */
	int64_t begin_ns, begin_wall_ns;
	int64_t end_ns; /* 0: not yet */
};

struct client {
	struct ask ask;
	int64_t end_ns;
	struct vec parts; /* struct part, the one at hand last */
	/* Of stacks with seconds=: proto from their begin, and when that was */
	struct strbuf before;
	int64_t before_ns;
	uint32_t flags; /* of the reply */
};

struct client *client_new(const struct ask *ask);
void client_free(struct client *client);

/* The i-th of struct client *. */
static inline struct client *client_at(const struct vec *clients, size_t i)
{
	return *(struct client **)vec_at(clients, i);
}

static inline bool client_wants_threads(const struct client *client)
{
	return client->ask.kind == ASK_THREADS;
}

/* Stacks with seconds= are the first of two, whose difference is wanted. */
static inline bool client_wants_second(const struct client *client)
{
	return client_wants_threads(client) && client->ask.duration_ns > 0 &&
	       !client->before.len;
}

int64_t client_duration_ns(const struct client *client);

/* Its period in ticks of a run with @period_ns. */
uint32_t client_ticks(const struct client *client, int64_t period_ns);

/* From now on, or with all of @session if it has just begun. */
void client_begin_part(struct client *client, struct session *session,
		       bool has_all);
/* Up to @now, to which the run is flushed. */
void client_end_part(struct client *client, int64_t now);
void client_clear_parts(struct client *client);

/*
 * The answer, with all names looked up: for the child that is made for it.
 * What client_wants_second() is proto that is not compressed.
 */
struct error *client_write(const struct client *client,
			   struct symbolizer *symbolizer,
			   struct strbuf *out) MUST_USE;

#endif
