/* SPDX-License-Identifier: MIT */
/*
 * debugfile.h - a module as libdwfl sees it, with its debug file found.
 *
 * The debug file is looked for where distributions put it: by build id below
 * /usr/lib/debug/.build-id, by .gnu_debuglink beside the file, in .debug and
 * below /usr/lib/debug. Never over the network: debuginfod is not asked.
 */
#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include <elfutils/libdwfl.h>

#include "image/module.h"

struct debug_file { /* zero: none */
	Dwfl *dwfl;
	Dwfl_Module *module; /* owned by @dwfl */
	uint64_t bias;	     /* vaddr + bias is libdwfl's address */
};

/* False if @module is no ELF file that elfutils can read. */
bool debug_file_open(struct debug_file *file, const struct module *module);
void debug_file_close(struct debug_file *file);

/* The file that is mapped, or NULL. Owned by @file. */
Elf *debug_file_elf(const struct debug_file *file);

/* Its DWARF, or NULL; @out_bias: vaddr + bias is DWARF's address. */
Dwarf *debug_file_dwarf(const struct debug_file *file, uint64_t *out_bias);

/* Is there a table of all symbols, not just of the exported ones? */
bool debug_file_has_symtab(const struct debug_file *file);

/* Is there DWARF that this elfutils cannot decompress (zstd)? */
bool debug_file_is_unreadable(const struct debug_file *file);

#endif
