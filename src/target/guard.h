/* SPDX-License-Identifier: MIT */
/*
 * guard.h - a small process that lets the target go when psample cannot.
 *
 * A tracer that is stopped (kill -STOP) or hangs freezes its tracees at their
 * next signal or event. The guard watches the sampler's heartbeat in shared
 * memory; when psample stands stopped for most of a second, or silent for
 * several, it kills psample, and the kernel then detaches. It also puts back
 * the idle constraints (idle.h) and the words of targets' memory (memfile.h)
 * that a psample which was killed has changed.
 */
#ifndef TARGET_GUARD_H
#define TARGET_GUARD_H

#include "target/idle.h"
#include "target/memfile.h"
#include "util/error.h"

/* The sampler must beat at least this often. */
#define GUARD_BEAT_MS 200

struct guard_page { /* shared with the guard process */
	_Atomic int64_t beat_ns;   /* CLOCK_MONOTONIC; 0: not watched */
	_Atomic bool is_announced; /* psample stops itself (job control) */
	struct idle idle;
	struct poke poke; /* of the first target */
	struct pokes pokes; /* of those that came later */
};

struct guard {
	struct guard_page *page;
	int read_fd, pipe_fd; /* that the latter is closed tells it to end */
	int psample_fd; /* pidfd_open(2), or -1 */
	pid_t pid;
};

/* Make the guard; before any thread is made. */
struct error *guard_start(struct guard *guard) MUST_USE;
void guard_end(struct guard *guard);

#endif
