/* SPDX-License-Identifier: MIT */
/*
 * sum.h - what a line, an instruction or a function takes in all samples.
 *
 * Whatever is on a stack several times counts once for it, so that nothing
 * exceeds the total; pprof's listings add up frames (google/pprof#707).
 */
#ifndef REPORT_SUM_H
#define REPORT_SUM_H

#include "report/graph.h"

struct sum {
	int64_t flat, flat_div, cum, cum_div;
	uint32_t seen, seen_leaf; /* stamps of the last stack */
};

/* A frame of the stack with the number @stamp, which is never 0. */
static inline void sum_add(struct sum *sum, const struct stack_weight *weight,
			   uint32_t stamp, bool is_leaf)
{
	if (sum->seen != stamp) {
		sum->cum = wrap_add(sum->cum, weight->value);
		sum->cum_div = wrap_add(sum->cum_div, weight->divisor);
	}
	sum->seen = stamp;
	if (!is_leaf || sum->seen_leaf == stamp)
		return;
	sum->seen_leaf = stamp;
	sum->flat = wrap_add(sum->flat, weight->value);
	sum->flat_div = wrap_add(sum->flat_div, weight->divisor);
}

static inline int64_t sum_flat(const struct sum *sum)
{
	return sum->flat_div ? wrap_div(sum->flat, sum->flat_div) : sum->flat;
}

static inline int64_t sum_cum(const struct sum *sum)
{
	return sum->cum_div ? wrap_div(sum->cum, sum->cum_div) : sum->cum;
}

#endif
