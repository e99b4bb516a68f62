/* SPDX-License-Identifier: MIT */
/*
 * beside.h - a second recorder, of time, beside the one of allocations.
 *
 * A process of its own (our child) attaches to the target, since all of the
 * sampler is made for that; it is steered as libpsample does (control.h). It
 * writes its own profile and ends with ours, even if we are killed.
 */
#ifndef CLI_BESIDE_H
#define CLI_BESIDE_H

#include "cli/record.h"

struct beside;

/*
 * Start it, and wait until it samples. @agent_at: of heap_agent_at(). What it
 * has to say it says itself: an error is only that it does not work.
 */
struct error *beside_start(const struct run *run, taddr agent_at,
			   struct beside **out) MUST_USE;

/* Have it write what there is; @beside may be NULL, here and below. */
void beside_write(struct beside *beside);

/* Let it end and write; false if it has not done so. */
bool beside_end(struct beside *beside);

void beside_free(struct beside *beside);

#endif
