/* SPDX-License-Identifier: MIT */
/*
 * map.h - three hash tables: values of keys, and dense ids.
 *
 * struct map: 64-bit key -> 32-bit value, open addressing, no removal of
 * single keys. struct intern: byte strings -> ids 0, 1, 2 ... in order of
 * first appearance; equal bytes meet once. struct keyset: the same for 64-bit
 * keys, at 14 to 19 bytes each, where a map takes 32 to 64.
 */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/vec.h"

#define NO_ID UINT32_MAX

struct map_slot;

struct map { /* zero-initialize */
	struct map_slot *slots;
	size_t n, cap; /* cap is 0 or a power of two */
};

/* The value of @key, or NO_ID. */
uint32_t map_get(const struct map *map, uint64_t key);

/* Set the value of @key; @value is never NO_ID. */
void map_put(struct map *map, uint64_t key, uint32_t value);

/* Forget all keys, keep the storage. */
void map_reset(struct map *map);

void map_clear(struct map *map);

struct intern_entry {
	const void *bytes; /* NUL behind the last one */
	size_t len;
	uint64_t hash;
};

struct intern { /* intern_init() before use */
	struct vec entries; /* struct intern_entry */
	uint32_t *slots;
	size_t cap;
	struct arena arena;
};

void intern_init(struct intern *intern);
void intern_clear(struct intern *intern);

/* The id of @len bytes at @bytes, which are copied if they are new. */
uint32_t intern_bytes(struct intern *intern, const void *bytes, size_t len);
uint32_t intern_string(struct intern *intern, const char *s);

/* The id of these bytes if they were interned, else NO_ID. */
uint32_t intern_find(const struct intern *intern, const void *bytes,
		     size_t len);

/* The bytes of @id; good until intern_clear(). */
const struct intern_entry *intern_get(const struct intern *intern,
				      uint32_t id);

struct keyset { /* keyset_init() before use */
	struct vec keys; /* uint64_t, by id */
	uint32_t *slots;
	size_t cap; /* 0: sealed, or a power of two */
};

void keyset_init(struct keyset *set);
void keyset_clear(struct keyset *set);

/* Forget all keys, keep the storage. */
void keyset_reset(struct keyset *set);

/* No more keys are to come: free what finds them, until one comes. */
void keyset_seal(struct keyset *set);

/* The id of @key, which is keys.n - 1 if it is new. */
uint32_t keyset_add(struct keyset *set, uint64_t key);

static inline uint64_t keyset_at(const struct keyset *set, uint32_t id)
{
	return *(const uint64_t *)vec_at(&set->keys, id);
}

/* A good 64-bit mix of @key (splitmix64's finalizer). */
static inline uint64_t hash_u64(uint64_t key)
{
	key ^= key >> 30;
	key *= 0xbf58476d1ce4e5b9u;
	key ^= key >> 27;
	key *= 0x94d049bb133111ebu;
	key ^= key >> 31;
	return key;
}

/* Hash of @len bytes; not proof against chosen collisions. */
uint64_t hash_bytes(const void *bytes, size_t len);

#endif
