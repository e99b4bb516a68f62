/* SPDX-License-Identifier: MIT */
/*
 * elf_symbols.h - the functions that .symtab of an ELF file names.
 *
 * What a linker leaves in a program for debuggers; strip(1) takes it out. The
 * file is hostile: names that are not in it read as "".
 */
#ifndef IMAGE_ELF_SYMBOLS_H
#define IMAGE_ELF_SYMBOLS_H

#include "image/module.h"
#include "util/vec.h"

struct elf_symbol {
	uint64_t vaddr; /* first: they are in its order; not 0 */
	uint64_t bytes; /* 0: not said */
	uint32_t name;	/* see elf_symbols_name() */
	uint8_t type;	/* STT_FUNC or STT_GNU_IFUNC */
	uint8_t bind;	/* STB_LOCAL, STB_GLOBAL, STB_WEAK */
};

struct elf_symbols { /* zero: none */
	struct vec list; /* struct elf_symbol, of what is defined */
	char *names;
	size_t n_names; /* bytes */
};

/* False: @module has no such table. */
bool elf_symbols_read(struct elf_symbols *symbols,
		      const struct module *module);
void elf_symbols_clear(struct elf_symbols *symbols);

const char *elf_symbols_name(const struct elf_symbols *symbols,
			     const struct elf_symbol *symbol);

/*
 * The first of those that begin at the highest address up to @vaddr, or
 * NULL. @out_n: how many there are; those of them that are not local come
 * first, and then those of IFUNCs.
 */
const struct elf_symbol *elf_symbols_find(const struct elf_symbols *symbols,
					  uint64_t vaddr, size_t *out_n);

/* Where @symbol ends; without a size where the next one begins. */
uint64_t elf_symbols_end(const struct elf_symbols *symbols,
			 const struct elf_symbol *symbol);

#endif
