/* SPDX-License-Identifier: MIT */
/*
 * ring.h - the bounded queue of records between sampler and unwinder.
 *
 * One producer, one consumer, no lock. A record is written in place: the
 * stack of a stopped thread is copied straight into the ring. When the ring
 * is empty the producer starts again at its beginning, so that a consumer
 * that keeps up touches only the first pages.
 */
#ifndef SAMPLER_RING_H
#define SAMPLER_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define RING_BYTES ((size_t)16 << 20)

struct ring {
	uint8_t *bytes;
	_Atomic uint64_t head, tail; /* ever written, ever read */
	uint64_t reserved;	     /* producer: start of what it reserved */
	int wake_fd;		     /* eventfd: the consumer sleeps on it */
	_Atomic int is_waiting;
};

struct error *ring_init(struct ring *ring) MUST_USE;
void ring_clear(struct ring *ring);

/*
 * Producer: room for @len contiguous bytes with @spare more left over, or
 * NULL when the ring is that full. Nothing is visible before ring_commit(),
 * which gives back what was not needed.
 */
void *ring_reserve(struct ring *ring, size_t len, size_t spare);
void ring_commit(struct ring *ring, size_t len);

/* Bytes that wait for the consumer. */
size_t ring_pending(const struct ring *ring);

/* Producer: end the consumer's ring_wait(). */
void ring_wake(struct ring *ring);

/* Consumer: the oldest record and its length, or NULL. */
const void *ring_peek(struct ring *ring, size_t *out_len);
void ring_release(struct ring *ring);

/* Consumer: sleep until ring_wake(), at most @timeout_ms. */
void ring_wait(struct ring *ring, int timeout_ms);

#endif
