/* SPDX-License-Identifier: MIT */
/*
 * ahead.h - many addresses of many modules, named by one child.
 *
 * For files that are trusted: they are read by libraries that may crash all
 * the same, on debug information of an unusual kind or when memory is short.
 * Such a crash costs the names of that module, not the profile. It is asked
 * for many at once, and works while its answers are taken.
 */
#ifndef SYMBOL_AHEAD_H
#define SYMBOL_AHEAD_H

#include "symbol/confined.h"

/* Runs here; unless @result is CONFINE_DONE there are no more of @subject. */
typedef void (*ahead_take_fn)(void *ctx, uint64_t subject, uint64_t vaddr,
			      enum confine_result result,
			      const struct confined_answer *answer);

struct ahead { /* zero, but for the first three */
	confined_find_fn find;
	ahead_take_fn take;
	void *ctx;
	struct confined *child;
	uint64_t n_known; /* subjects that there were when it began */
};

/*
 * Answer @questions (struct confine_question, put in order), of which those
 * about a subject stop when it breaks the child or is late. @n_subjects are all
 * there are. False if there can be no child: what is left was not answered.
 */
bool ahead_run(struct ahead *ahead, struct vec *questions,
	       uint64_t n_subjects);
void ahead_clear(struct ahead *ahead);

#endif
