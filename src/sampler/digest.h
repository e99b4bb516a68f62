/* SPDX-License-Identifier: MIT */
/*
 * digest.h - the unwinder thread: from records to the tables of the profile.
 *
 * Reads the ring until RECORD_END. The profile may be looked at by another
 * thread between digest_lock() and digest_unlock().
 */
#ifndef SAMPLER_DIGEST_H
#define SAMPLER_DIGEST_H

#include <pthread.h>

#include "sampler/options.h"
#include "sampler/record.h"
#include "sampler/ring.h"
#include "sampler/subject.h"
#include "sampler/told.h"

struct slot {
	struct vec hits;      /* struct hit, pending */
	struct hit last;      /* its last stack, for RECORD_REPEAT */
	uint32_t labels;      /* of subject labels_of; NO_ID: not made yet */
	uint32_t labels_of;
	taddr top;	      /* where the last walk to a root ended */
	int64_t labels_ns;    /* when they were made; by_thread only */
	int64_t born_ns;      /* when its first record came; likewise */
	char thread_name[64]; /* by_thread only */
};

struct digest {
	char program[4096]; /* file of the process that began last; "": gone */
	struct sampler_options options;
	struct ring *ring;
	struct registry registry;
	struct unwinder *unwinder;
	struct frames frames;	/* of the stack at hand */
	struct vec subjects;	/* struct subject *, NULL once ended */
	struct vec slots;	/* struct slot */
	struct vec brief;    /* struct hit, of processes that lived briefly */
	bool is_brief_paid;  /* they are kept until newer ones come */
	struct vec locations;	/* location_id, of the stack at hand */
	location_id truncated, no_fp, unsampled;
	uint32_t n_sampled_subjects; /* that had a sample */
	int flushed_fd; /* eventfd: a RECORD_FLUSH was reached */
	struct told *told; /* counts of walks go there */
	void (*watch)(void *); /* called often, with watch_arg */
	void *watch_arg;
	pthread_mutex_t lock;
};

void digest_init(struct digest *digest, struct ring *ring,
		 const struct sampler_options *options);
void digest_clear(struct digest *digest);

/* The thread's main: until RECORD_END. */
void digest_run(struct digest *digest);

static inline void digest_lock(struct digest *digest)
{
	pthread_mutex_lock(&digest->lock);
}

static inline void digest_unlock(struct digest *digest)
{
	pthread_mutex_unlock(&digest->lock);
}

#endif
