/* SPDX-License-Identifier: MIT */
/* arena.c - memory that is freed as one. */
#include "util/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "util/mem.h"

#define BLOCK_BYTES ((size_t)64 << 10)

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) unsigned char bytes[];
};

static void arena_grow(struct arena *arena, size_t need)
{
	size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
	struct arena_block *block = xmalloc(sizeof(*block) + size);

	block->next = arena->head;
	arena->head = block;
	arena->used = 0;
	arena->size = size;
	arena->total_bytes += size;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t align = alignof(max_align_t);
	void *p;

	size = (size + align - 1) & ~(align - 1);
	if (!arena->head || size > arena->size - arena->used)
		arena_grow(arena, size);
	p = arena->head->bytes + arena->used;
	arena->used += size;
	return p;
}

char *arena_copy(struct arena *arena, const void *data, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

void arena_clear(struct arena *arena)
{
	while (arena->head) {
		struct arena_block *next = arena->head->next;

		free(arena->head);
		arena->head = next;
	}
	*arena = (struct arena){ 0 };
}
