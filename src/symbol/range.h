/* SPDX-License-Identifier: MIT */
/*
 * range.h - which of many overlapping address ranges is meant by an address.
 *
 * Add ranges in any order, range_index_sort() once, then ask. A query costs
 * O(log n) plus the ranges that really hold the address, also where ranges
 * nest or overlap without order.
 */
#ifndef SYMBOL_RANGE_H
#define SYMBOL_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/map.h"
#include "util/mem.h"

struct range {
	uint64_t start, end; /* end is the first address behind it */
	uint64_t max_end;    /* of the ranges below it in the search tree */
	uint32_t rank;	     /* the higher one wins */
	uint32_t value;
};

struct range_index { /* range_index_init() before use */
	struct vec ranges;
};

void range_index_init(struct range_index *index);
void range_index_clear(struct range_index *index);

/* Empty ranges are left out. */
void range_index_add(struct range_index *index, const struct range *range);
void range_index_sort(struct range_index *index);

/*
 * The range that holds @addr with the highest rank, then the latest start,
 * then the earliest end, then the lowest value; NULL if there is none.
 */
const struct range *range_index_find(const struct range_index *index,
				     uint64_t addr);

#endif
