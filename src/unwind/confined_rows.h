/* SPDX-License-Identifier: MIT */
/*
 * confined_rows.h - rows of files that nobody vouches for, read by a child.
 *
 * libdw reads whatever a target's owner has written. Where that is neither
 * root nor our user, one confined child (util/confine.h) does the reading for
 * all such modules; its answers are checked. It is made at the first question,
 * and again at the first one about a module that came later. A file that breaks
 * its reader, or holds it up, has no rows any more; the others have a new
 * child. Belongs to the thread of its unwinder.
 */
#ifndef UNWIND_CONFINED_ROWS_H
#define UNWIND_CONFINED_ROWS_H

#include "image/module.h"
#include "unwind/row.h"

struct confined_rows;

/* Runs in the child. */
typedef void (*confined_row_fn)(void *ctx, const struct module *module,
				uint64_t vaddr, struct row *out,
				struct row_saves *out_saves);

/* @modules are those that will be asked about. Never NULL. */
struct confined_rows *confined_rows_new(const struct modules *modules,
					confined_row_fn find, void *ctx);
void confined_rows_free(struct confined_rows *confined);

/* As cfi_find_row(); never a row of a kind that needs libunwind. */
void confined_rows_find(struct confined_rows *confined,
			const struct module *module, uint64_t vaddr,
			struct row *out, struct row_saves *out_saves);

#endif
