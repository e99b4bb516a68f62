/* SPDX-License-Identifier: MIT */
/*
 * range.c - a sorted array that is also a search tree.
 *
 * The middle of [lo, hi) is the root of that part, and knows the greatest end
 * in it; parts that end before the address are never entered.
 */
#include "symbol/range.h"

void range_index_init(struct range_index *index)
{
	index->ranges = VEC_OF(struct range);
}

void range_index_clear(struct range_index *index)
{
	vec_clear(&index->ranges);
}

void range_index_add(struct range_index *index, const struct range *range)
{
	if (range->start < range->end)
		*(struct range *)vec_push(&index->ranges) = *range;
}

static int range_compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static uint64_t range_set_max_end(struct range *ranges, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2;
	uint64_t left, right, max;

	if (lo >= hi)
		return 0;
	left = range_set_max_end(ranges, lo, mid);
	right = range_set_max_end(ranges, mid + 1, hi);
	max = left > right ? left : right;
	if (max < ranges[mid].end)
		max = ranges[mid].end;
	ranges[mid].max_end = max;
	return max;
}

void range_index_sort(struct range_index *index)
{
	struct vec *v = &index->ranges;

	if (v->n)
		qsort(v->data, v->n, v->elem_bytes, range_compare);
	range_set_max_end(v->data, 0, v->n);
}

static bool range_is_better(const struct range *a, const struct range *b)
{
	if (!b)
		return true;
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->start != b->start)
		return a->start > b->start;
	if (a->end != b->end)
		return a->end < b->end;
	return a->value < b->value;
}

static const struct range *range_find_in(const struct range *ranges,
					 size_t lo, size_t hi, uint64_t addr,
					 const struct range *best)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct range *r = &ranges[mid];

		if (r->max_end <= addr)
			break;
		best = range_find_in(ranges, lo, mid, addr, best);
		if (r->start > addr)
			break;
		if (addr < r->end && range_is_better(r, best))
			best = r;
		lo = mid + 1;
	}
	return best;
}

const struct range *range_index_find(const struct range_index *index,
				     uint64_t addr)
{
	return range_find_in(index->ranges.data, 0, index->ranges.n, addr,
			     NULL);
}
