/* SPDX-License-Identifier: MIT */
/*
 * symtab.h - the function symbols of a module, by address.
 */
#ifndef SYMBOL_SYMTAB_H
#define SYMBOL_SYMTAB_H

#include <elfutils/libdwfl.h>

#include "symbol/range.h"

struct symtab { /* zero: not loaded */
	struct vec symbols; /* struct symtab_symbol, the best name first */
	struct range_index index;
};

struct symtab_symbol {
	const char *name; /* owned by the ELF file, maybe with @VERSION */
	uint64_t start, end;
	bool is_sized; /* false: @end is the start of what comes next */
	unsigned char type, bind;
	uint64_t oddness; /* of its name; the smallest one is chosen */
};

/*
 * Read the symbols of @module: .symtab of the file or its debug file, else
 * .dynsym and .gnu_debugdata. @bias: what @module's addresses are above those
 * of the file. @module must outlive @symtab.
 */
void symtab_init(struct symtab *symtab, Dwfl_Module *module, uint64_t bias);
void symtab_clear(struct symtab *symtab);

/*
 * Where the code around @vaddr begins that no symbol names: the end of the
 * last symbol before it, or 0.
 */
uint64_t symtab_gap_start(const struct symtab *symtab, uint64_t vaddr);

/* The symbol that names the code at @vaddr, or NULL. */
const struct symtab_symbol *symtab_find(const struct symtab *symtab,
					uint64_t vaddr);

#endif
