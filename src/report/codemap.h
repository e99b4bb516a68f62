/* SPDX-License-Identifier: MIT */
/*
 * codemap.h - where the locations of a profile lie in programs and libraries.
 *
 * Only files that are asked for are opened; one that cannot be is told, and
 * left out.
 */
#ifndef REPORT_CODEMAP_H
#define REPORT_CODEMAP_H

#include "report/objfile.h"
#include "report/pp.h"

struct code_place {
	uint32_t file; /* NO_ID: none that is open */
	uint64_t vaddr;
};

struct codemap {
	const struct pp *pp;
	struct vec files;	 /* struct objfile */
	uint32_t *file_of;	 /* by mapping */
	struct code_place *places; /* by location */
	size_t n_failed;	 /* files that could not be opened */
};

/* Open what @is_wanted, by mapping. The caller clears, in error too. */
struct error *codemap_make(const struct pp *pp, const bool *is_wanted,
			   struct codemap *out) MUST_USE;
void codemap_clear(struct codemap *map);

struct objfile *codemap_file(const struct codemap *map, uint32_t id);

/* Does the runtime @address lie at [@start, @end) of @file? */
bool codemap_has_address(const struct codemap *map, uint32_t file,
			 uint64_t address, uint64_t start, uint64_t end);

/* @error with advice, if it may be for want of a file. */
struct error *codemap_explain(const struct codemap *map,
			      struct error *error);

/* @text as a number, "0x401136" or decimal; 0 if it is none. */
uint64_t code_address(const char *text);

/* The instruction that holds @vaddr; NO_ID if there are none at all. */
uint32_t code_find_inst(const struct objfile_code *code, uint64_t vaddr);

#endif
