/* SPDX-License-Identifier: MIT */
/*
 * cfi.h - rows from the call frame information of a module, by libdw.
 *
 * Looks at .eh_frame, then at .debug_frame. The first question to a module
 * reads and indexes its sections (5 to 15 ms for a large one).
 */
#ifndef UNWIND_CFI_H
#define UNWIND_CFI_H

#include "image/module.h"
#include "unwind/row.h"
#include "util/mem.h"

struct cfi;

/* @module must outlive it. Never NULL; without CFI every row is ROW_NONE. */
struct cfi *cfi_new(const struct module *module);
void cfi_free(struct cfi *cfi);

/*
 * Take .debug_frame of the module's debug file @fd, when the module has none
 * itself. @fd is closed.
 */
void cfi_use_debug_file(struct cfi *cfi, int fd);

/* The row for @vaddr of the module, and where it keeps the other registers. */
void cfi_find_row(struct cfi *cfi, uint64_t vaddr, struct row *out,
		  struct row_saves *out_saves);

#endif
