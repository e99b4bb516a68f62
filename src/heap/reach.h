/* SPDX-License-Identifier: MIT */
/*
 * reach.h - the ways on which functions of an allocator call each other.
 *
 * realloc(NULL, n) is malloc(n) inside, posix_memalign() may be, calloc() of
 * musl is: what is counted at the first of them must not be counted again at
 * the second. Read are the functions themselves, and those that they reach
 * which are near and which no other file of the program can name (static).
 */
#ifndef HEAP_REACH_H
#define HEAP_REACH_H

#include "image/elf_symbols.h"
#include "util/map.h"

struct reach_way { /* one jump or call from one of them to another */
	uint64_t vaddr;	 /* of the four bytes that are its distance */
	uint64_t target; /* the function */
};

struct reach { /* reach_init() before use */
	const struct module *module;
	const struct elf_symbols *symbols;
	uint64_t jump_bytes;
	uint64_t lowest, highest; /* roots */
	struct map roots;   /* vaddr of a function -> its number */
	struct map seen;    /* vaddrs of functions that were read -> 0 */
	struct vec pending; /* uint64_t, vaddrs of functions to be read */
	struct vec ways;    /* struct reach_way */
	size_t n_calls;	    /* from those read by the last reach_read() */
	uint64_t n_bytes;   /* of those read by all */
};

/* @jump_bytes at the start of each root will be a jump. */
void reach_init(struct reach *reach, const struct module *module,
		const struct elf_symbols *symbols, uint64_t jump_bytes);
void reach_clear(struct reach *reach);

void reach_add_root(struct reach *reach, uint64_t vaddr, uint32_t number);

/* The number of the root at @vaddr, or NO_ID. */
uint32_t reach_root(const struct reach *reach, uint64_t vaddr);

/*
 * Read the root at @vaddr, which was added as all others were. NULL, or what
 * is in the way.
 */
const char *reach_read(struct reach *reach, uint64_t vaddr);

/* Does the function at @vaddr itself call or jump to another root? */
bool reach_leads_on(const struct reach *reach, uint64_t vaddr);

#endif
