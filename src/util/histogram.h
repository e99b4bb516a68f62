/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - durations counted in buckets of 1/8 of an octave.
 *
 * Percentiles are good to 13 %; the sum and the maximum are exact.
 */
#ifndef UTIL_HISTOGRAM_H
#define UTIL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS (64 * 8)

struct histogram { /* zero-initialize */
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t n;
	int64_t sum_ns, max_ns;
};

void histogram_add(struct histogram *h, int64_t ns);

/* The least duration that @percent of all do not exceed; 0 if empty. */
int64_t histogram_percentile(const struct histogram *h, double percent);

#endif
