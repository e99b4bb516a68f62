/* SPDX-License-Identifier: MIT */
/*
 * go_rows.h - rows for Go's functions from Go's own tables.
 *
 * They are exact, and say more than the CFI that Go writes from the same
 * source: where the frame pointer is, which functions begin a stack, and
 * which have changed to another one.
 */
#ifndef UNWIND_GO_ROWS_H
#define UNWIND_GO_ROWS_H

#include "image/gopclntab.h"
#include "unwind/row.h"

/*
 * The row for @vaddr; false if the code there is not Go's. A trampoline of
 * signals gets ROW_NONE, since its rule is found in its bytes.
 */
bool go_rows_find(struct gopclntab *table, const struct module *module,
		  uint64_t vaddr, struct row *out);

#endif
