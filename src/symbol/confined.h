/* SPDX-License-Identifier: MIT */
/*
 * confined.h - names that a child reads, so that what crashes does so there.
 *
 * libdw, libelf and the demangler read whatever the owner of a file has
 * written. When that is neither root nor the user of psample, one confined
 * child per file (util/confine.h) does it, and its answers are checked. Other
 * files are read by a child as well (ahead.h), which may do what psample may.
 */
#ifndef SYMBOL_CONFINED_H
#define SYMBOL_CONFINED_H

#include "symbol/symbol.h"
#include "util/confine.h"

struct confined;

struct confined_answer {
	const struct symbol_frame *frames; /* at least one */
	size_t n;
	enum symbol_source source;
	struct symbol_summary summary; /* but for n_addresses */
};

/*
 * Runs in the child: what @subject, as the caller counts, says of @vaddr. Its
 * strings must last until the next one.
 */
typedef void (*confined_find_fn)(void *ctx, uint64_t subject, uint64_t vaddr,
				 struct confined_answer *out);

/* NULL: no process can be made. It has no rights if it is for @strangers. */
struct confined *confined_new(bool strangers, confined_find_fn find,
			      void *ctx);
void confined_free(struct confined *confined);

/* Ask now, and take the answers later, in order; at most so many at once. */
#define CONFINED_ASKED_MAX 64
void confined_ask(struct confined *confined, uint64_t subject, uint64_t vaddr);

/*
 * The next answer, good until the one after it. One that does not make sense
 * is CONFINE_DIED, too. But for CONFINE_DONE, that was the last one.
 */
enum confine_result confined_take(struct confined *confined,
				  struct confined_answer *out);

#endif
