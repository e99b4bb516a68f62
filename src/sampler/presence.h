/* SPDX-License-Identifier: MIT */
/* presence.h - was a thread on a core when its stop was asked for? */
#ifndef SAMPLER_PRESENCE_H
#define SAMPLER_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

struct sampler;
struct schedstat;
struct thread;

/*
 * Of @thread, which stands at our stop since @stop_ns at the latest: @now is
 * its schedstat, exact, as it is off its core; @nr its system call, or below 0.
 * Notes what follow.c wants to know of its calls.
 */
bool presence_judge(struct sampler *s, struct thread *thread,
		    const struct schedstat *now, int64_t stop_ns, long nr);

/* It had our core until the tick, and has blocked in a call since. */
void presence_note_blocked(struct thread *thread);

#endif
