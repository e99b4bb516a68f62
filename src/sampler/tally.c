/* SPDX-License-Identifier: MIT */
/* tally.c - hits that wait for their weight, and where it goes. */
#include "sampler/tally.h"

void tally_divide(struct profile *profile, const struct vec *hits,
		  int64_t cpu_ns)
{
	int64_t n = (int64_t)hits->n;

	for (int64_t i = 0; i < n; i++) {
		const struct hit *hit = vec_at(hits, (size_t)i);
		int64_t values[PROFILE_MAX_TYPES] = { 0 };

		values[VALUE_CPU] = cpu_ns / n + (i < cpu_ns % n);
		profile_add_sample(profile, hit->stack, hit->labels, values);
	}
}

void tally_pay(struct profile *profile, struct vec *hits, int64_t cpu_ns)
{
	tally_divide(profile, hits, cpu_ns);
	hits->n = 0;
}

void tally_move(struct vec *to, struct vec *from)
{
	for (size_t i = 0; i < from->n; i++)
		*(struct hit *)vec_push(to) = *(struct hit *)vec_at(from, i);
	from->n = 0;
}
