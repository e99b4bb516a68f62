/* SPDX-License-Identifier: MIT */
/*
 * gather.h - stop all threads of a process for a moment, together.
 *
 * For the few changes that no thread may be in the midst of. Whoever is
 * stopped first waits for the last one, wait_ns at most; then all go on,
 * whether something was done or not. The work is that of a short-lived thread
 * of psample, whose end lets go of all.
 */
#ifndef TARGET_GATHER_H
#define TARGET_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/user.h>

#include "util/clock.h"

struct gathered {
	pid_t tid;
	bool is_stopped;
	struct user_regs_struct regs; /* as it stands; not to be changed */
};

struct gather {
	pid_t pid;
	/* Called once, while all @n threads stand; false: nothing was done. */
	bool (*act)(void *ctx, const struct gathered *threads, size_t n);
	void *ctx;
	int64_t wait_ns; /* one may wait for a child of vfork(2) for ever */
	int err;	 /* GATHER_DENIED: errno */
	int64_t held_ns; /* from the first stop asked for to letting go */
};

enum gather_result {
	GATHER_DONE,
	GATHER_UNFIT,  /* act() said no */
	GATHER_SILENT, /* one did not stop in time */
	GATHER_GONE,
	GATHER_DENIED,
};

enum gather_result gather_threads(struct gather *gather);

/*
 * Threads of @pid, but its first one, that have ended and are traced by any
 * thread of psample. To be called now and then while another thread seizes: a
 * program within exec waits until they are reaped, and who seizes it meanwhile
 * waits for that exec.
 */
void gather_reap_dead(pid_t pid);

#endif
