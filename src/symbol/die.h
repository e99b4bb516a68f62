/* SPDX-License-Identifier: MIT */
/*
 * die.h - what a DWARF entry of a function says about it.
 */
#ifndef SYMBOL_DIE_H
#define SYMBOL_DIE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/strbuf.h"

/*
 * DW_AT_linkage_name of @die or of what it refers to, or NULL. Owned by the
 * Dwarf, like all strings here.
 */
const char *die_linkage_name(Dwarf_Die *die);

/* DW_AT_name of @die or of what it refers to, or NULL. */
const char *die_name(Dwarf_Die *die);

/* DW_AT_decl_line, or 0. */
int64_t die_decl_line(Dwarf_Die *die);

/* The value of an attribute of @die itself, or 0. */
uint64_t die_number(Dwarf_Die *die, unsigned attribute);

/*
 * The entry that describes the function of @die independent of where it was
 * inlined: follows DW_AT_abstract_origin.
 */
Dwarf_Die die_abstract(Dwarf_Die *die);

/* Does a C++ compiler leave out linkage names that are needed? */
bool die_language_qualifies(int language);

/*
 * Append "ns::(anonymous namespace)::Class::f" for @die, whose name is "f":
 * compilers write no linkage name for functions that are not exported.
 */
void die_add_qualified_name(Dwarf_Die *die, const char *name,
			    struct strbuf *out);

#endif
