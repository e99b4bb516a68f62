/* SPDX-License-Identifier: MIT */
/* attach.h - how targets come under the sampler: attach, or launch. */
#ifndef SAMPLER_ATTACH_H
#define SAMPLER_ATTACH_H

#include "sampler/sampler.h"

/* Seize every thread of @pid, also those that are born meanwhile. */
struct error *attach_process(struct sampler *s, pid_t pid) MUST_USE;

/*
 * @tid is a thread of @process that nobody has told of (storm.c): seize it,
 * in the middle of the run. False if it is gone.
 */
bool attach_found(struct sampler *s, struct process *process, pid_t tid);

/* Seize the forked child and let it call exec. */
struct error *attach_launched(struct sampler *s, const struct launch *launch)
	MUST_USE;

#endif
