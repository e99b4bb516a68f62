/* SPDX-License-Identifier: MIT */
/* map.c - hash tables with linear probing, at most half full. */
#include "util/map.h"

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
