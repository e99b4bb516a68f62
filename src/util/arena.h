/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that is freed as one.
 *
 * Everything taken from an arena lives until arena_clear(). Zero-initialize
 * a struct arena to start an empty one.
 */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used, size;  /* of the newest block, bytes */
	size_t total_bytes; /* of all blocks */
};

/* @size bytes, aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((malloc, returns_nonnull));

/* A copy of @len bytes at @data with a NUL behind it. */
char *arena_copy(struct arena *arena, const void *data, size_t len)
	__attribute__((malloc, returns_nonnull));

void arena_clear(struct arena *arena);

#endif
