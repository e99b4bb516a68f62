/* SPDX-License-Identifier: MIT */
/*
 * tally.h - hits that wait for their weight, and where it goes.
 *
 * The unwinder thread's half of the accounts: hits pend per slot, or in the
 * pool of a subject, until a sum of CPU time is divided among them evenly;
 * the remainder of the division goes to the first ones, so sums are exact.
 */
#ifndef SAMPLER_TALLY_H
#define SAMPLER_TALLY_H

#include "profile/profile.h"

struct hit {
	stack_id stack;
	uint32_t labels;
};

/* Columns of the profile: samples, cpu, and in wall mode wall. */
enum {
	VALUE_SAMPLES,
	VALUE_CPU,
	VALUE_WALL,
};

/* Divide @cpu_ns among the @hits. */
void tally_divide(struct profile *profile, const struct vec *hits,
		  int64_t cpu_ns);
/* The same, and forget them. */
void tally_pay(struct profile *profile, struct vec *hits, int64_t cpu_ns);

/* Move all of @from behind those of @to. */
void tally_move(struct vec *to, struct vec *from);

#endif
