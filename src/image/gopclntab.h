/* SPDX-License-Identifier: MIT */
/*
 * gopclntab.h - the table that Go links into every program it builds.
 *
 * It stays when a program is stripped, since the runtime itself walks stacks
 * and prints panics by it: functions, their names, files and lines, what was
 * inlined, and how far sp is below the return address at each pc. Written by
 * Go 1.2 to 1.27 in four forms. The file is hostile: what makes no sense
 * reads as unknown.
 *
 * A table belongs to the thread that owns its module.
 */
#ifndef IMAGE_GOPCLNTAB_H
#define IMAGE_GOPCLNTAB_H

#include "image/module.h"

struct gopclntab;

/* The table of @module, which must outlive it; NULL if it has none. */
struct gopclntab *gopclntab_open(const struct module *module);
void gopclntab_close(struct gopclntab *table);

enum go_flags { /* internal/abi/symtab.go; not known of before Go 1.17 */
	GO_TOP_FRAME = 1, /* nothing called it */
	GO_SP_WRITE = 2,  /* sets sp to something else: changes stacks */
};

struct go_function {
	uint64_t start, end; /* vaddrs */
	bool has_flags;
	uint8_t flags; /* enum go_flags */
	/* Of the table; offsets. */
	uint64_t data;
	uint32_t name, deltas, files, lines, n_pcdata, n_funcdata, unit;
	uint32_t start_line; /* 0: not said before Go 1.20 */
};

/* The function that holds @vaddr; false if it is not Go's. */
bool gopclntab_find(const struct gopclntab *table, uint64_t vaddr,
		    struct go_function *out);

/*
 * The functions that have the @n names, in @out; one that is not there has
 * an @end of 0. Reads all names, some ms for a large program.
 */
void gopclntab_find_names(const struct gopclntab *table,
			  const char *const *names, size_t n,
			  struct go_function *out);

/* Its name, owned by @table; "" if there is none. */
const char *gopclntab_name(struct gopclntab *table,
			   const struct go_function *function);

/* How far sp is below the return address at @vaddr; false: not said. */
bool gopclntab_delta(const struct gopclntab *table,
		     const struct go_function *function, uint64_t vaddr,
		     int32_t *out);

/* The first address at which sp is below it; false: nowhere. */
bool gopclntab_first_delta(const struct gopclntab *table,
			   const struct go_function *function,
			   uint64_t *out_vaddr);

struct go_frame {
	const char *name, *file; /* owned by the table; "" if unknown */
	uint32_t line, start_line; /* 0: unknown */
};

/*
 * What the source says of @vaddr: the functions that were inlined there
 * (since Go 1.18), innermost first, then the function itself. At most @max;
 * 0 if it is not Go's.
 */
size_t gopclntab_frames(struct gopclntab *table, uint64_t vaddr,
			struct go_frame *out, size_t max);

#endif
