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
	/* The segment with .eh_frame: */
	const unsigned char *frames;
	uint64_t frames_vaddr;
	size_t frames_bytes;
};

/* Find the table of @elf, which must outlive @table. */
void fde_table_init(struct fde_table *table, Elf *elf);

/*
 * The start of the function that holds @vaddr; false if none does. Sparse
 * tables are common: assembly may have unwind information where C has none.
 */
bool fde_table_find(const struct fde_table *table, uint64_t vaddr,
		    uint64_t *out_start);

#endif
