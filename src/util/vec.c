/* SPDX-License-Identifier: MIT */
/* vec.c - a growing array of equal elements. */
#include "util/vec.h"

#include "util/mem.h"

void vec_reserve(struct vec *v, size_t n)
{
	size_t cap = v->cap ? v->cap : 8;

	if (n <= v->cap)
		return;
	while (cap < n)
		cap *= 2;
	v->data = xreallocarray(v->data, cap, v->elem_bytes);
	v->cap = cap;
}

void *vec_push(struct vec *v)
{
	void *p;

	vec_reserve(v, v->n + 1);
	p = (char *)v->data + v->n++ * v->elem_bytes;
	memset(p, 0, v->elem_bytes);
	return p;
}

void vec_remove_swap(struct vec *v, size_t i)
{
	void *last = vec_at(v, v->n - 1);

	if (i != v->n - 1)
		memcpy(vec_at(v, i), last, v->elem_bytes);
	v->n--;
}

size_t vec_count_up_to(const struct vec *v, uint64_t key)
{
	size_t low = 0, high = v->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (*(const uint64_t *)vec_at(v, middle) <= key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct vec vec_copy(const struct vec *from)
{
	struct vec to = { .elem_bytes = from->elem_bytes };

	vec_reserve(&to, from->n);
	if (from->n)
		memcpy(to.data, from->data, from->n * from->elem_bytes);
	to.n = from->n;
	return to;
}

void vec_clear(struct vec *v)
{
	free(v->data);
	v->data = NULL;
	v->n = v->cap = 0;
}
