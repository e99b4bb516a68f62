/* SPDX-License-Identifier: MIT */
/* crowd.h - of more runnable threads than cores, those that may be on one. */
#ifndef SAMPLER_CROWD_H
#define SAMPLER_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedstat;
struct thread;

/*
 * @thread was looked at, and is runnable: since its last look it has been
 * given a core @n_slices times.
 */
void crowd_note_look(struct thread *thread, uint64_t n_slices, int64_t now_ns);

/*
 * @thread stood from @stop_ns on and was let go at @free_ns; @now is its
 * schedstat at the stop.
 */
void crowd_note_stop(struct thread *thread, const struct schedstat *now,
		     int64_t stop_ns, int64_t free_ns);

/*
 * Of @n runnable threads, just looked at, those whose time is booked up to
 * less than the result are on none of @n_cores cores: crowd_passes_over().
 * INT64_MIN where that cannot be told: of more than 32 cores, for one.
 */
int64_t crowd_bound(struct thread *const *threads, size_t n, int n_cores);

/* Is it not worth a stop at @now_ns? */
bool crowd_passes_over(const struct thread *thread, int64_t bound_ns,
		       int64_t now_ns);

#endif
