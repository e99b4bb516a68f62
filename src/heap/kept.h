/* SPDX-License-Identifier: MIT */
/*
 * kept.h - the samples that were taken: sums of all, and those in use.
 *
 * A run may take thousands a second for days. What was allocated is added up
 * at once, by stack; a sample itself is needed only while its object may be in
 * use. Those that are not are forgotten now and then, when kept_is_full().
 */
#ifndef HEAP_KEPT_H
#define HEAP_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"
#include "util/map.h"
#include "util/vec.h"

struct kept { /* one sample */
	uint64_t id;
	uint64_t size;
	int64_t seen_ns; /* when it was made, about */
	stack_id stack;
	bool is_live; /* for who adds them up */
};

struct kept_sum { /* of one stack */
	stack_id stack;
	double objects, bytes;
};

struct kept_list {
	struct vec list;     /* struct kept, by id */
	struct vec sums;     /* struct kept_sum */
	struct map sum_of;   /* stack -> its index */
	uint64_t n_records;  /* those that were lost, too; the last one's id */
	size_t bound;	     /* full from there on */
	double variance;     /* of the bytes */
};

void kept_init(struct kept_list *kept);
void kept_clear(struct kept_list *kept);

/* Its id is that of the last record. @weight: how many it stands for. */
void kept_add(struct kept_list *kept, const struct kept *sample,
	      double weight);

/* NULL: it was not kept, or is forgotten. Good until the next kept_add(). */
struct kept *kept_find(const struct kept_list *kept, uint64_t id);

bool kept_is_full(const struct kept_list *kept);

/* Forget all but the @n with the ids @in_use, which are put in order. */
void kept_forget(struct kept_list *kept, uint64_t *in_use, size_t n);

#endif
