/* SPDX-License-Identifier: MIT */
/*
 * search.h - where the debug file of a module is.
 *
 * Looked for in the file system of the process first and in ours second: by
 * build id below /usr/lib/debug/.build-id; by .gnu_debuglink beside the
 * module, in .debug there and below /usr/lib/debug; last, if the user wants
 * that, at debuginfod's servers. A file counts only if its build id is that
 * of the module, or its checksum that of the link.
 */
#ifndef SYMBOL_SEARCH_H
#define SYMBOL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "image/module.h"
#include "symbol/debuginfod.h"

struct debug_search {
	const struct module *module;
	struct debuginfod *debuginfod; /* NULL: not to be asked */
	char *refused; /* a file that is of another build, or NULL; owned */
	char *directory; /* of the debug file, for libdw, or NULL; owned */
};

void debug_search_clear(struct debug_search *search);

/*
 * The debug file of @module by its build id or its own link; no server is
 * asked. A descriptor, or -1.
 */
int debug_search_open(const struct module *module);

/*
 * A descriptor of the debug file, or -1; *@out_path is its name, freed with
 * free(). @link and @crc: what .gnu_debuglink says, or NULL.
 */
int debug_search_main(struct debug_search *search, const char *link,
		      uint32_t crc, char **out_path);

/* What a debug file shares with others (dwz), by the link's name and id. */
struct debug_alt {
	const char *name;	 /* as in .gnu_debugaltlink */
	const char *debug_path;	 /* the file in which that stood */
	const unsigned char *id;
	size_t id_bytes;
};

int debug_search_alt(struct debug_search *search, const struct debug_alt *alt,
		     char **out_path);

#endif
