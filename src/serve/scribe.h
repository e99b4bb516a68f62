/* SPDX-License-Identifier: MIT */
/*
 * scribe.h - the child of a worker that looks names up and writes answers.
 *
 * That takes a second for a program as large as node. The worker goes on
 * meanwhile: other clients' samples are taken, and new runs begun.
 */
#ifndef SERVE_SCRIBE_H
#define SERVE_SCRIBE_H

#include "serve/client.h"

struct scribe {
	pid_t pid;
	int fd; /* its answers; at the end of file it is done */
	struct vec clients; /* struct client *, NULL: gone */
	struct strbuf in;
};

/*
 * For @clients (struct client *), which is taken over and empty afterwards.
 * @running is the session at work, or NULL; @worker_fds are not for the child.
 */
struct error *scribe_start(struct session *running, struct vec *clients,
			   const int worker_fds[], size_t n_fds,
			   struct scribe **out) MUST_USE;
/* It is ended if it still works. */
void scribe_free(struct scribe *scribe);

/* Read what is there; false when it is done. */
bool scribe_read(struct scribe *scribe);

/*
 * The client with @id went away: true if it was one of these. Its answer is
 * written all the same, to nobody: that does not take long.
 */
bool scribe_drop(struct scribe *scribe, uint32_t id);

/*
 * After the end, the next answer: its client, which is the caller's from now
 * on, and its bytes, or an error. False when all are done.
 */
bool scribe_take(struct scribe *scribe, struct client **out_client,
		 struct strbuf *out_bytes, struct error **out_error);

#endif
