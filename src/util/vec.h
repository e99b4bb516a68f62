/* SPDX-License-Identifier: MIT */
/*
 * vec.h - a growing array of equal elements.
 *
 *	struct vec threads = VEC_OF(struct thread);
 *	struct thread *t = vec_push(&threads);	// zeroed
 *	for (size_t i = 0; i < threads.n; i++)
 *		use((struct thread *)vec_at(&threads, i));
 *
 * Pointers into it are good until the next vec_push() or vec_reserve().
 */
#ifndef UTIL_VEC_H
#define UTIL_VEC_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct vec {
	void *data;
	size_t n, cap;	   /* elements */
	size_t elem_bytes; /* of one element */
};

#define VEC_OF(type)                                                          \
	(struct vec)                                                          \
	{                                                                     \
		.elem_bytes = sizeof(type)                                    \
	}

/* One more element at the end, cleared to zero. */
void *vec_push(struct vec *v) __attribute__((returns_nonnull));

/* Room for at least @n elements in all, so that pushes do not move them. */
void vec_reserve(struct vec *v, size_t n);

/* Remove element @i; the last one takes its place. */
void vec_remove_swap(struct vec *v, size_t i);

/*
 * Of a vector sorted by the uint64_t that each element begins with: how many
 * elements have at most @key there.
 */
size_t vec_count_up_to(const struct vec *v, uint64_t key);

/* The same elements in storage of their own. */
struct vec vec_copy(const struct vec *from);

/* Free the storage; the vector is empty and usable again. */
void vec_clear(struct vec *v);

static inline void *vec_at(const struct vec *v, size_t i)
{
	assert(i < v->n);
	return (char *)v->data + i * v->elem_bytes;
}

#endif
