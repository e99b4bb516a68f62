/* SPDX-License-Identifier: MIT */
/*
 * debuginfo.h - functions, inlined calls and lines at an address, by DWARF.
 *
 * The units' ranges are indexed when a file is opened (.debug_aranges is
 * optional, and clang writes none), the functions of a unit when an address
 * first falls into it, the inlined calls of a function likewise.
 */
#ifndef SYMBOL_DEBUGINFO_H
#define SYMBOL_DEBUGINFO_H

#include <elfutils/libdw.h>

#include "symbol/search.h"
#include "util/map.h"
#include "util/mem.h"

struct debuginfo;

struct debug_function {
	/* NULL: not in DWARF. Owned by the debuginfo or its Dwarf. */
	const char *name, *linkage_name;
	int64_t start_line; /* 0: unknown */
};

struct debug_frame {
	const struct debug_function *function; /* NULL: only a line known */
	const char *file; /* "" if unknown */
	int64_t line;	  /* 0: unknown */
};

/* @dwarf must outlive the result. @search found the file of it. */
struct debuginfo *debuginfo_new(Dwarf *dwarf,
				const struct debug_search *search);
void debuginfo_free(struct debuginfo *info);
DEFINE_CLEANUP(debuginfo_free, struct debuginfo *)

/* Was a file with the functions of a unit (.dwo) not found? */
bool debuginfo_lacks_split(const struct debuginfo *info);

/*
 * Fill @out (of struct debug_frame) with the functions at @pc, innermost
 * inline first. Empty if DWARF knows nothing about @pc.
 */
void debuginfo_find(struct debuginfo *info, uint64_t pc, struct vec *out);

#endif
