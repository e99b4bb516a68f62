/* SPDX-License-Identifier: MIT */
/*
 * debugfile.h - a module as libdwfl sees it, with its debug file found.
 *
 * Where that one is looked for stands in search.h.
 */
#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include <elfutils/libdwfl.h>

#include "image/module.h"
#include "symbol/search.h"

struct debug_file { /* debug_file_open() before use */
	Dwfl *dwfl;
	Dwfl_Module *module; /* owned by @dwfl; NULL: no ELF file */
	uint64_t bias;	     /* vaddr + bias is libdwfl's address */
	struct debug_search *search;
	bool has_alt;	     /* it says that it shares a file with others */
	Dwarf *alt;	     /* that file, or NULL */
	int alt_fd;
};

/*
 * False if @module is no ELF file that elfutils can read. @debuginfod: may be
 * asked for the debug file; NULL: nobody is. To be closed in either case.
 */
bool debug_file_open(struct debug_file *file, const struct module *module,
		     struct debuginfod *debuginfod);
void debug_file_close(struct debug_file *file);

/* The file that is mapped, or NULL. Owned by @file. */
Elf *debug_file_elf(const struct debug_file *file);

/* Its DWARF, or NULL; @out_bias: vaddr + bias is DWARF's address. */
Dwarf *debug_file_dwarf(struct debug_file *file, uint64_t *out_bias);

/* Is there a table of all symbols, not just of the exported ones? */
bool debug_file_has_symtab(struct debug_file *file);

/* Is there DWARF that this elfutils cannot decompress (zstd)? */
bool debug_file_is_unreadable(const struct debug_file *file);

#endif
