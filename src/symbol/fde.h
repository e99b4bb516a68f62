/* SPDX-License-Identifier: MIT */
/*
 * fde.h - where functions start, from the search table of .eh_frame_hdr.
 *
 * Nearly every file keeps it when it is stripped, so it still tells one
 * function from the next.
 */
#ifndef SYMBOL_FDE_H
#define SYMBOL_FDE_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/mem.h"

struct fde_table { /* zero: no table */
	const unsigned char *entries; /* owned by the Elf */
	size_t n;
	uint64_t base; /* vaddr of .eh_frame_hdr */
};

/* Find the table of @elf, which must outlive @table. */
void fde_table_init(struct fde_table *table, Elf *elf);

/* The start of the last function at or below @vaddr; false if none. */
bool fde_table_find(const struct fde_table *table, uint64_t vaddr,
		    uint64_t *out_start);

#endif
