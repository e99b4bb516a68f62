/* SPDX-License-Identifier: MIT */
/* predecessor.h - which thread had our core until we came? */
#ifndef SAMPLER_PREDECESSOR_H
#define SAMPLER_PREDECESSOR_H

#include <stdbool.h>

struct sampler;
struct thread;

/*
 * One of the threads that follow.c waits for, or NULL: none, or not known.
 * Call it first in a tick. It was on a core at the deadline, whatever it does
 * now: displaced by us, or gone into a blocking call meanwhile.
 */
struct thread *predecessor_find(struct sampler *s);

/* Not without /proc/PID/sched (CONFIG_SCHED_DEBUG). */
bool predecessor_can_be_known(struct sampler *s);

#endif
