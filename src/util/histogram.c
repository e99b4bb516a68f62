/* SPDX-License-Identifier: MIT */
/* histogram.c - durations counted in buckets of 1/8 of an octave. */
#include "util/histogram.h"

/* Value v = 2^e + m*2^(e-3) + ... falls into bucket 8e + m, m = 0..7. */
static unsigned bucket_of(uint64_t v)
{
	unsigned e;

	if (v < 8)
		return (unsigned)v;
	e = 63u - (unsigned)__builtin_clzll(v);
	return e * 8 + (unsigned)(v >> (e - 3) & 7);
}

static int64_t bucket_end(unsigned bucket)
{
	unsigned e = bucket / 8, m = bucket % 8;

	if (bucket < 24) /* exact small values, and buckets never used */
		return bucket;
	return (int64_t)((8ull + m + 1) << (e - 3)) - 1;
}

void histogram_add(struct histogram *h, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	h->counts[bucket_of((uint64_t)ns)]++;
	h->n++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

int64_t histogram_percentile(const struct histogram *h, double percent)
{
	double need = (double)h->n * percent / 100;
	uint64_t seen = 0;

	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		seen += h->counts[b];
		if (h->counts[b] && (double)seen >= need) {
			int64_t end = bucket_end(b);

			return end < h->max_ns ? end : h->max_ns;
		}
	}
	return h->max_ns;
}
