/* SPDX-License-Identifier: MIT */
/*
 * map.c - hash tables with linear probing.
 *
 * At most half full; sets of keys, which may have millions, three quarters.
 */
#include "util/map.h"

#include <stdbool.h>

#include "util/mem.h"

struct map_slot {
	uint64_t key;
	uint32_t value; /* NO_ID: the slot is free */
};

static struct map_slot *map_slot_of(const struct map *map, uint64_t key)
{
	size_t i = hash_u64(key) & (map->cap - 1);

	while (map->slots[i].value != NO_ID && map->slots[i].key != key)
		i = (i + 1) & (map->cap - 1);
	return &map->slots[i];
}

static void map_grow(struct map *map)
{
	struct map old = *map;

	map->cap = old.cap ? old.cap * 2 : 64;
	map->slots = xreallocarray(NULL, map->cap, sizeof(*map->slots));
	for (size_t i = 0; i < map->cap; i++)
		map->slots[i].value = NO_ID;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value != NO_ID)
			*map_slot_of(map, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

uint32_t map_get(const struct map *map, uint64_t key)
{
	return map->cap ? map_slot_of(map, key)->value : NO_ID;
}

void map_put(struct map *map, uint64_t key, uint32_t value)
{
	struct map_slot *slot;

	assert(value != NO_ID);
	if (2 * (map->n + 1) > map->cap)
		map_grow(map);
	slot = map_slot_of(map, key);
	if (slot->value == NO_ID)
		map->n++;
	*slot = (struct map_slot){ .key = key, .value = value };
}

void map_reset(struct map *map)
{
	for (size_t i = 0; i < map->cap; i++)
		map->slots[i].value = NO_ID;
	map->n = 0;
}

void map_clear(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h = 0x9e3779b97f4a7c15u ^ len;
	uint64_t word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * 0x9fb21c651e98df25u;
		h ^= h >> 35;
	}
	word = 0;
	memcpy(&word, p, len);
	return hash_u64(h ^ word);
}

void intern_init(struct intern *intern)
{
	*intern = (struct intern){
		.entries = VEC_OF(struct intern_entry),
	};
}

void intern_clear(struct intern *intern)
{
	vec_clear(&intern->entries);
	free(intern->slots);
	arena_clear(&intern->arena);
	intern_init(intern);
}

const struct intern_entry *intern_get(const struct intern *intern,
				      uint32_t id)
{
	return vec_at(&intern->entries, id);
}

static uint32_t *intern_slot_of(const struct intern *intern, uint64_t hash,
				const void *bytes, size_t len)
{
	size_t i = hash & (intern->cap - 1);

	for (; intern->slots[i] != NO_ID; i = (i + 1) & (intern->cap - 1)) {
		const struct intern_entry *e =
			intern_get(intern, intern->slots[i]);

		if (e->hash == hash && e->len == len &&
		    !memcmp(e->bytes, bytes, len))
			break;
	}
	return &intern->slots[i];
}

static void intern_grow(struct intern *intern)
{
	intern->cap = intern->cap ? intern->cap * 2 : 64;
	intern->slots = xreallocarray(intern->slots, intern->cap,
				      sizeof(*intern->slots));
	for (size_t i = 0; i < intern->cap; i++)
		intern->slots[i] = NO_ID;
	for (uint32_t id = 0; id < intern->entries.n; id++) {
		const struct intern_entry *e = intern_get(intern, id);

		*intern_slot_of(intern, e->hash, e->bytes, e->len) = id;
	}
}

uint32_t intern_bytes(struct intern *intern, const void *bytes, size_t len)
{
	uint64_t hash = hash_bytes(bytes, len);
	struct intern_entry *entry;
	uint32_t *slot;

	if (2 * (intern->entries.n + 1) > intern->cap)
		intern_grow(intern);
	slot = intern_slot_of(intern, hash, bytes, len);
	if (*slot != NO_ID)
		return *slot;
	*slot = (uint32_t)intern->entries.n;
	entry = vec_push(&intern->entries);
	entry->bytes = arena_copy(&intern->arena, bytes, len);
	entry->len = len;
	entry->hash = hash;
	return *slot;
}

uint32_t intern_find(const struct intern *intern, const void *bytes,
		     size_t len)
{
	if (!intern->cap)
		return NO_ID;
	return *intern_slot_of(intern, hash_bytes(bytes, len), bytes, len);
}

uint32_t intern_string(struct intern *intern, const char *s)
{
	return intern_bytes(intern, s, strlen(s));
}

void keyset_init(struct keyset *set)
{
	*set = (struct keyset){ .keys = VEC_OF(uint64_t) };
}

void keyset_seal(struct keyset *set)
{
	free(set->slots);
	set->slots = NULL;
	set->cap = 0;
}

void keyset_clear(struct keyset *set)
{
	vec_clear(&set->keys);
	keyset_seal(set);
}

static void keyset_free_slots(struct keyset *set)
{
	for (size_t i = 0; i < set->cap; i++)
		set->slots[i] = NO_ID;
}

void keyset_reset(struct keyset *set)
{
	set->keys.n = 0;
	keyset_free_slots(set);
}

static uint32_t *keyset_slot_of(const struct keyset *set, uint64_t key)
{
	size_t i = hash_u64(key) & (set->cap - 1);

	while (set->slots[i] != NO_ID && keyset_at(set, set->slots[i]) != key)
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static bool keyset_is_full(const struct keyset *set)
{
	return 4 * (set->keys.n + 1) > 3 * set->cap;
}

static void keyset_grow(struct keyset *set)
{
	size_t cap = set->cap ? set->cap : 32;

	keyset_seal(set); /* first: all is put in anew from the keys */
	do
		set->cap = cap *= 2;
	while (keyset_is_full(set));
	set->slots = xreallocarray(NULL, cap, sizeof(*set->slots));
	keyset_free_slots(set);
	for (uint32_t id = 0; id < set->keys.n; id++)
		*keyset_slot_of(set, keyset_at(set, id)) = id;
}

uint32_t keyset_add(struct keyset *set, uint64_t key)
{
	uint32_t *slot;

	if (keyset_is_full(set))
		keyset_grow(set);
	slot = keyset_slot_of(set, key);
	if (*slot == NO_ID) {
		*slot = (uint32_t)set->keys.n;
		*(uint64_t *)vec_push(&set->keys) = key;
	}
	return *slot;
}
