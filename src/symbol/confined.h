/* SPDX-License-Identifier: MIT */
/*
 * confined.h - names of a file that nobody vouches for, read by a child.
 *
 * libdw, libelf and the demangler read whatever a target's owner has written.
 * When that is neither root nor the user of psample, one confined child per
 * file (util/confine.h) does the reading, and its answers are checked: a file
 * that breaks the reader loses its names, and nothing else.
 */
#ifndef SYMBOL_CONFINED_H
#define SYMBOL_CONFINED_H

#include "symbol/symbol.h"
#include "util/strbuf.h"

struct confined;

struct confined_answer {
	const struct symbol_frame *frames; /* at least one */
	size_t n;
	enum symbol_source source;
	struct symbol_summary summary; /* but for n_addresses */
};

/* Runs in the child. Its strings must last until the next one. */
typedef void (*confined_find_fn)(void *ctx, uint64_t vaddr,
				 struct confined_answer *out);

/* Never NULL; the child begins here. */
struct confined *confined_new(const struct module *module,
			      confined_find_fn find, void *ctx);
void confined_free(struct confined *confined);

/*
 * The answer for @vaddr, good until the next one; false if there is none and
 * never will be, which was said to the user.
 */
bool confined_find(struct confined *confined, uint64_t vaddr,
		   struct confined_answer *out);

#endif
