/* SPDX-License-Identifier: MIT */
/*
 * go_tables.h - where the parts of Go's pc-line table are in a file.
 *
 * Private to image/. Every offset counts from the table's header and lies
 * inside of it; what they lead to is not looked at yet.
 */
#ifndef IMAGE_GO_TABLES_H
#define IMAGE_GO_TABLES_H

#include "image/module.h"

enum go_version { /* the first that wrote the table so */
	GO_1_2,
	GO_1_16,
	GO_1_18,
	GO_1_20,
};

struct go_tables {
	enum go_version version;
	uint64_t vaddr, n_bytes; /* of the table */
	uint64_t n_functions;
	/* Offsets: names, units to files, files, values by pc, the functions'
	 * data, and the index of functions. */
	uint64_t names, units, files, values, data, index;
	uint64_t text;	  /* entries count from here; from GO_1_18 on */
	uint64_t inlined; /* vaddr of go:func.*, or 0 */
};

/* Whether @module has been made by Go and holds a table that can be used. */
bool go_tables_find(const struct module *module, struct go_tables *out);

/* Bytes of an address in the index, and of one in a function's data. */
static inline size_t go_tables_entry_bytes(const struct go_tables *tables)
{
	return tables->version >= GO_1_18 ? 4 : 8;
}

#endif
