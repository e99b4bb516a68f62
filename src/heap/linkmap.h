/* SPDX-License-Identifier: MIT */
/*
 * linkmap.h - the modules of a process as its dynamic linker lists them.
 *
 * From the program's headers (AT_PHDR) over DT_DEBUG to struct r_debug and
 * the list of struct link_map (link.h), all read from the process's memory,
 * which is hostile: every count is bounded, and a list may be a loop.
 */
#ifndef HEAP_LINKMAP_H
#define HEAP_LINKMAP_H

#include <stdbool.h>

#include "arch/regs.h"
#include "util/vec.h"

#define LINK_MODULES_MAX 4096
#define LINK_NAME_BYTES 128

struct link_table { /* of a module's dynamic segment; 0: not there */
	taddr symbols, strings, relocs, plt_relocs;
	uint64_t string_bytes, reloc_bytes, plt_bytes;
};

struct link_module {
	taddr bias, dynamic;	    /* l_addr, l_ld */
	char name[LINK_NAME_BYTES]; /* as loaded, cut off; "" for the program */
	struct link_table table;
};

/* Does the program with these headers have a dynamic linker? */
bool link_is_dynamic(int mem_fd, taddr phdr, uint64_t n_phdrs);

/* The address of struct r_debug, or 0: not there (yet), or a static program. */
taddr link_find_debug(int mem_fd, taddr phdr, uint64_t n_phdrs);

/* Are the modules all loaded and relocated, none on the way in or out? */
bool link_is_consistent(int mem_fd, taddr debug);

/*
 * Replace @out, of struct link_module, by the list at @debug; false if it
 * makes no sense.
 */
bool link_list(int mem_fd, taddr debug, struct vec *out);

/* Is the list still the one that link_list() has put into @modules? */
bool link_is_listed(int mem_fd, taddr debug, const struct vec *modules);

#endif
