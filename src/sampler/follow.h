/* SPDX-License-Identifier: MIT */
/* follow.h - threads on whose cores the sampler waits for its ticks. */
#ifndef SAMPLER_FOLLOW_H
#define SAMPLER_FOLLOW_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLLOW_MAX 8

struct follow_thread {
	uint32_t slot;
	int64_t run_ns; /* in the last window */
	int sched_fd;	/* predecessor.c's, or -1 */
	bool is_calling, is_doubtful; /* as in struct thread */
};

struct follow {
	struct follow_thread hot[FOLLOW_MAX];
	size_t n, n_doubtful;
	bool is_due;	   /* to be moved when the tick's stops are answered */
	int cpu;	   /* where we are bound to, or -1 */
	int64_t tick_ns;   /* when the tick was due, */
	int64_t lag_ns;	   /* and how long after it we mostly displace */
	int own_fd;	   /* our own sched file, or -1 */
	cpu_set_t allowed; /* where we may be */
};

struct sampler;
struct thread;

void follow_init(struct follow *follow);
/* Forget the threads, close their files, as our thread is to end. */
void follow_clear(struct follow *follow);

/* Its samples of calls are another program's now. */
void follow_forget(struct thread *thread);

/* The @i-th of the threads that are followed; it may have ended. */
struct thread *follow_thread(const struct sampler *s, size_t i);

/* At the end of a window: which threads run in short steps? */
void follow_choose(struct sampler *s, int64_t window_ns);

/*
 * Bind the sampler to the core that it shall wait on: when the stops of a tick
 * are answered, as who was stopped on our core goes on where we are not.
 */
void follow_move(struct sampler *s);

/*
 * Is @thread to be left alone at this tick? It makes calls so often that only
 * a stop on our own core finds it where it is.
 */
bool follow_leaves(const struct sampler *s, const struct thread *thread);

/* How much CPU time a hit of @thread stands for, in ns. */
int64_t follow_period(const struct sampler *s, const struct thread *thread);

#endif
