/* SPDX-License-Identifier: MIT */
/*
 * row_cache.h - rows kept at hand: by address, and behind that by module.
 *
 * The cache of a space is a table with one entry per code address seen in a
 * stack: one probe gives the mapping and the row. It is emptied when the
 * generation of its space moves, and filled again from the store, which
 * keeps rows by (module, vaddr), so that processes which share a library
 * share its rows, and libdw is asked once.
 */
#ifndef UNWIND_ROW_CACHE_H
#define UNWIND_ROW_CACHE_H

#include "image/space.h"
#include "unwind/row.h"

struct row_entry {
	taddr addr;
	uint32_t tag; /* that of the cache, or the entry is empty */
	uint32_t mapping_id;
	struct row row;
};
static_assert(sizeof(struct row_entry) == 32, "two share a cache line");

struct row_store { /* row_store_init() before use */
	struct vec modules; /* struct module_rows *, by module id */
	uint64_t n_lookups; /* questions to libdw so far */
	int (*open_debug_file)(const struct module *module); /* or NULL */
	const struct modules *all; /* from which modules are */
	struct confined_rows *confined; /* made when it is needed */
};

void row_store_init(struct row_store *store);
void row_store_clear(struct row_store *store);

struct row_cache {
	struct space *space;
	struct row_store *store;
	struct row_entry *entries;
	size_t n, cap; /* cap is a power of two */
	unsigned int shift; /* 64 - log2(cap) */
	uint32_t tag;
	uint64_t generation;
};

void row_cache_init(struct row_cache *cache, struct space *space,
		    struct row_store *store);
void row_cache_clear(struct row_cache *cache);

/* Empty it if the generation of its space moved; whether it did. */
bool row_cache_sync(struct row_cache *cache);

/*
 * The entry of @addr, made if it is new; NULL if no executable mapping holds
 * it. Good until the next call.
 */
struct row_entry *row_cache_find(struct row_cache *cache, taddr addr);

/* Where the row of @entry keeps the other registers, or NULL. */
const struct row_saves *row_cache_saves(struct row_cache *cache,
					const struct row_entry *entry);

/* Where the function that holds @addr begins; false if that is unknown. */
bool row_cache_function(struct row_cache *cache, taddr addr,
			taddr *out_start);

/*
 * What the code alone says of @addr, whatever its CFI does; false if that is
 * nothing.
 */
bool row_cache_guess(struct row_cache *cache, taddr addr, struct row *out);

/* Up to @len bytes of code at @addr into @buf; how many. */
size_t row_cache_code(struct row_cache *cache, taddr addr, uint8_t *buf,
		      size_t len);

/* Whether @pc is an address that a call returns to. */
bool row_cache_is_return(struct row_cache *cache, taddr pc);

static inline size_t row_cache_slot(const struct row_cache *cache, taddr addr)
{
	/* Fibonacci hashing: the top bits of the product are well mixed. */
	return (addr * UINT64_C(0x9e3779b97f4a7c15)) >> cache->shift;
}

/* The entry of @addr if it is there: the path of nearly every frame. */
static inline struct row_entry *row_cache_probe(const struct row_cache *cache,
						taddr addr)
{
	size_t mask = cache->cap - 1;
	size_t i = row_cache_slot(cache, addr);

	for (;; i = (i + 1) & mask) {
		struct row_entry *entry = &cache->entries[i];

		if (entry->tag != cache->tag)
			return NULL;
		if (entry->addr == addr)
			return entry;
	}
}

#endif
