/* SPDX-License-Identifier: MIT */
/*
 * scopes.h - the functions of a DWARF unit and what was inlined into them.
 */
#ifndef SYMBOL_SCOPES_H
#define SYMBOL_SCOPES_H

#include <elfutils/libdw.h>

#include "symbol/range.h"

struct scope { /* a function, or a call that was inlined into one */
	Dwarf_Die die;
	uint32_t parent; /* in the same scope_tree; NO_ID: the function */
	uint32_t name;	 /* an id of the reader's, NO_ID at first */
};

struct scope_tree { /* one function */
	struct vec scopes; /* struct scope; the first is the function */
	struct range_index index;
	bool is_expanded;
};

struct scope_unit { /* one unit's functions */
	Dwarf_Die die;	  /* with ranges and lines */
	Dwarf_Die detail; /* with functions: the split unit, or @die again */
	int language;
	bool is_scanned, is_deep;
	struct vec functions; /* struct scope_tree */
	struct range_index index;
};

void scope_unit_init(struct scope_unit *unit, Dwarf_Die *die,
		     Dwarf_Die *detail);
void scope_unit_clear(struct scope_unit *unit);

/* Add the address ranges of @die to @index. */
void scope_add_ranges(struct range_index *index, Dwarf_Die *die,
		      uint32_t value, uint32_t rank);

/* The function at @pc, with the calls inlined into it, or NULL. */
struct scope_tree *scope_unit_find(struct scope_unit *unit, uint64_t pc);

/* The innermost scope of @tree at @pc: an index into scopes. */
uint32_t scope_tree_find(const struct scope_tree *tree, uint64_t pc);

#endif
