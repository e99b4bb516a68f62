/* SPDX-License-Identifier: MIT */
/*
 * targets.h - which processes a request may be about: what the command line
 * named, and nothing else.
 */
#ifndef SERVE_TARGETS_H
#define SERVE_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/worker.h"
#include "util/vec.h"

/* Append the pids of processes called @regex, or say why there are none. */
typedef struct error *targets_find(const char *regex, struct vec *out);

struct targets {
	struct vec listed;	/* struct target: by -p, or the program */
	const char *name_regex; /* -n, or NULL; asked anew each time */
	targets_find *find;
	bool allows_pids; /* /pid/N of any process */
	bool is_program;  /* the one listed was started by us */
};

void targets_init(struct targets *targets);
void targets_clear(struct targets *targets);

/* A process is known by its pid and when it was born. */
struct error *targets_add(struct targets *targets, pid_t pid) MUST_USE;

/*
 * The processes that "/pid/@pid/..." is about, or with 0 all that are listed
 * and alive, into @out's pids and pid. Else a status of HTTP, and in
 * *@out_why (to be freed) what to say.
 */
unsigned targets_choose(const struct targets *targets, pid_t pid,
			struct ask *out, char **out_why);

/* All that are there now, for pages: pid_t in @out. */
void targets_list(const struct targets *targets, struct vec *out);

#endif
