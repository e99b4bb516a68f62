/* SPDX-License-Identifier: MIT */
/* loop.h - the sampler thread's own run, once its targets are seized. */
#ifndef SAMPLER_LOOP_H
#define SAMPLER_LOOP_H

#include "sampler/collect.h"
#include "sampler/sampler.h"

#define LOOP_WAKE_SIGNAL SIGRTMIN /* to the sampler: there are requests */

/* All of these are called by the sampler thread. */
void loop_init(struct sampler *s, const struct sampler_options *options,
	       struct guard_page *guard);

/* Another thread takes over a sampler that was suspended. */
void loop_enter(struct sampler *s);

/* Until the end of the run; RECORD_END is the last record. */
void loop_run(struct sampler *s);

#endif
