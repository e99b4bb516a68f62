/* SPDX-License-Identifier: MIT */
/* options.h - what the sampler is asked to do; filled in by its callers. */
#ifndef SAMPLER_OPTIONS_H
#define SAMPLER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbol/search.h"
#include "unwind/walk.h"
#include "util/clock.h"

/* heap/ has the agent, and asserts this. */
#define SAMPLER_AGENT_BYTES 0x2000

enum sample_mode {
	MODE_CPU,
	MODE_WALL,
};

struct sampler_options {
	enum sample_mode mode;
	int64_t period_ns;
	int64_t delay_ns;     /* before the first tick */
	int64_t duration_ns;  /* 0: until the end */
	uint64_t max_samples; /* 0: no limit */
	double max_pause;     /* share of time a target may be held; 0: any */
	bool children;	      /* follow fork and vfork */
	bool by_thread;	      /* thread labels in the profile */
	bool wall_stop;	      /* stop a blocked thread when its frame pointer
				 is needed and its call restarts by itself */
	bool whole_random;    /* make getrandom(2) again that a stop cut */
	bool libunwind_ptrace; /* walk in the stop by libunwind-ptrace */
	struct walk_options walk;
	uint32_t n_phases; /* above 1: label stacks by their tick modulo this */
	const pid_t *tids; /* only these threads; NULL: all */
	size_t n_tids;
	taddr agent_at; /* of SAMPLER_AGENT_BYTES of our own code, or 0 */
	taddr labels_at; /* libpsample's table in the target, or 0: labels.h */
};

#define SAMPLER_OPTIONS_DEFAULT                                               \
	(struct sampler_options)                                              \
	{                                                                     \
		.period_ns = 10 * NS_PER_MS, .max_pause = 0.01,               \
		.children = true, .walk.max_depth = WALK_DEPTH_DEFAULT,       \
		.walk.open_debug_file = debug_search_open,                    \
	}

#endif
