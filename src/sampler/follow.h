/* SPDX-License-Identifier: MIT */
/* follow.h - bursty threads, on whose cores the sampler waits for its ticks. */
#ifndef SAMPLER_FOLLOW_H
#define SAMPLER_FOLLOW_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#define FOLLOW_MAX 8

struct follow_thread {
	uint32_t slot;
	int64_t run_ns; /* in the last window */
	int sched_fd;	/* predecessor.c's, or -1 */
};

struct follow {
	struct follow_thread hot[FOLLOW_MAX];
	size_t n;
	int cpu;	   /* where we are bound to, or -1 */
	int own_fd;	   /* our own sched file, or -1 */
	cpu_set_t allowed; /* where we may be */
};

struct sampler;
struct thread;

void follow_init(struct follow *follow);
/* Forget the threads, close their files, as our thread is to end. */
void follow_clear(struct follow *follow);

/* The @i-th of the threads that are followed; it may have ended. */
struct thread *follow_thread(const struct sampler *s, size_t i);

/* At the end of a window: which threads ran in short bursts? */
void follow_choose(struct sampler *s, int64_t window_ns);

/* After a tick: bind the sampler to the core that it shall wait on. */
void follow_move(struct sampler *s);

#endif
