/* SPDX-License-Identifier: MIT */
/*
 * told.h - the counts of a run as the main thread may read them.
 *
 * Sampler and unwinder each write their own counts as they go; now and then,
 * and whenever they are flushed, they leave a copy here.
 */
#ifndef SAMPLER_TOLD_H
#define SAMPLER_TOLD_H

#include <pthread.h>

#include "sampler/stats.h"
#include "unwind/walk.h"

struct counts {
	struct sampler_stats stats;
	struct walk_counts walks;
};

struct told {
	pthread_mutex_t lock;
	struct counts counts;
};

/* Waits for nobody: a reader may have lost its core. Then next time. */
static inline void told_stats(struct told *told,
			      const struct sampler_stats *stats)
{
	if (pthread_mutex_trylock(&told->lock))
		return;
	told->counts.stats = *stats;
	pthread_mutex_unlock(&told->lock);
}

static inline void told_walks(struct told *told,
			      const struct walk_counts *walks)
{
	pthread_mutex_lock(&told->lock);
	told->counts.walks = *walks;
	pthread_mutex_unlock(&told->lock);
}

static inline void told_read(struct told *told, struct counts *out)
{
	pthread_mutex_lock(&told->lock);
	*out = told->counts;
	pthread_mutex_unlock(&told->lock);
}

#endif
