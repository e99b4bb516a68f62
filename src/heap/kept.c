/* SPDX-License-Identifier: MIT */
/* kept.c - the samples that were taken: sums of all, and those in use. */
#include "heap/kept.h"

#include <stdlib.h>

#include "util/mem.h"

#define BOUND_MIN ((size_t)1 << 17) /* twice what the agent's table holds */

void kept_init(struct kept_list *kept)
{
	*kept = (struct kept_list){
		.list = VEC_OF(struct kept),
		.sums = VEC_OF(struct kept_sum),
		.bound = BOUND_MIN,
	};
}

void kept_clear(struct kept_list *kept)
{
	vec_clear(&kept->list);
	vec_clear(&kept->sums);
	map_clear(&kept->sum_of);
}

static struct kept_sum *sum_of(struct kept_list *kept, stack_id stack)
{
	uint32_t at = map_get(&kept->sum_of, stack);
	struct kept_sum *sum;

	if (at != NO_ID)
		return vec_at(&kept->sums, at);
	map_put(&kept->sum_of, stack, (uint32_t)kept->sums.n);
	sum = vec_push(&kept->sums);
	sum->stack = stack;
	return sum;
}

void kept_add(struct kept_list *kept, const struct kept *sample,
	      double weight)
{
	double size = (double)sample->size;
	struct kept_sum *sum = sum_of(kept, sample->stack);
	struct kept *copy = vec_push(&kept->list);

	sum->objects += weight;
	sum->bytes += weight * size;
	kept->variance += size * size * weight * (weight - 1);
	*copy = *sample;
	copy->id = kept->n_records;
}

struct kept *kept_find(const struct kept_list *kept, uint64_t id)
{
	size_t low = 0, high = kept->list.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct kept *sample = vec_at(&kept->list, middle);

		if (sample->id == id)
			return sample;
		if (sample->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool kept_is_full(const struct kept_list *kept)
{
	return kept->list.n >= kept->bound;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void kept_forget(struct kept_list *kept, uint64_t *in_use, size_t n)
{
	struct kept *samples = kept->list.data;
	size_t n_left = 0, at = 0;

	if (n)
		qsort(in_use, n, sizeof(*in_use), compare_ids);
	for (size_t i = 0; i < kept->list.n; i++) {
		while (at < n && in_use[at] < samples[i].id)
			at++;
		if (at < n && in_use[at] == samples[i].id)
			samples[n_left++] = samples[i];
	}
	kept->list.n = n_left;
	kept->bound = 2 * n_left > BOUND_MIN ? 2 * n_left : BOUND_MIN;
}
