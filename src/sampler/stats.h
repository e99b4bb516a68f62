/* SPDX-License-Identifier: MIT */
/*
 * stats.h - what the sampler counts about itself.
 *
 * Written by the sampler thread alone; others read a copy (told.h), or these
 * when it has ended.
 */
#ifndef SAMPLER_STATS_H
#define SAMPLER_STATS_H

#include <stdbool.h>

#include "util/histogram.h"

struct sampler_stats {
	uint64_t ticks;		/* deadlines that were looked at in time */
	uint64_t late_ticks;	/* the look came too late: nothing kept */
	uint64_t missed_ticks;	/* deadlines passed while we did not run */
	uint64_t looks;		/* threads looked at */
	uint64_t stops;		/* threads stopped by us */
	uint64_t samples;	/* hits kept */
	uint64_t waiting;	/* stopped, but on no core at the deadline */
	uint64_t wall_samples;	/* stacks of blocked threads read */
	uint64_t busy;		/* did not stop within the bound */
	uint64_t ended;		/* threads that ended before their stop */
	uint64_t unreadable;	/* registers or stack could not be read */
	uint64_t dropped;	/* the ring was full */
	uint64_t refused;	/* stack memory that might block a reader */
	uint64_t repaired;	/* results of calls set back to restart */
	uint64_t processes, threads; /* ever seen */
	uint64_t live_threads;
	int64_t expected_cpu_ns; /* what kept samples stand for */
	int64_t exact_cpu_ns;	 /* of all processes, by their clocks */
	int64_t unsampled_ns;	 /* part of it without any sample */
	int64_t elapsed_ns;
	int64_t own_cpu_ns; /* of psample during the run, naming apart */
	int64_t held_thread_ns;	 /* sum over threads of time held */
	int64_t existed_ns;	 /* sum over threads of time watched */
	int64_t period_ns;	 /* now; grows with max_pause */
	struct histogram held;	 /* each stop */
	bool is_coarse; /* no schedstat: shares are less exact */
	const char *priority;	 /* how the sampler gets its core */
};

#endif
