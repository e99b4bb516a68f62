/* SPDX-License-Identifier: MIT */
/*
 * visit.h - stop one thread for a moment, once, and change where it goes on.
 *
 * For who does not trace otherwise: the thread is seized, stopped, looked at,
 * changed by one write of its registers or not at all, and let go, all by a
 * short-lived thread of psample, whose end lets go of one that never stopped.
 */
#ifndef TARGET_VISIT_H
#define TARGET_VISIT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>

#include "arch/regs.h"
#include "util/error.h"

struct visit {
	pid_t tid;
	/*
	 * Called while the thread stands; true: @regs are to be set. If it
	 * was in a system call, the result is the kernel's (-ERESTARTSYS...).
	 * @rseq: its struct rseq, or 0.
	 */
	bool (*change)(void *ctx, struct user_regs_struct *regs, taddr rseq);
	void *ctx;
	int err; /* VISIT_DENIED: errno */
	int64_t held_ns; /* from the stop to letting go */
};

enum visit_result {
	VISIT_DONE,   /* and registers are set */
	VISIT_UNFIT,  /* change() said no, or it is stopped by a signal */
	VISIT_SILENT, /* it did not stop within half a second */
	VISIT_GONE,
	VISIT_DENIED,
};

enum visit_result visit_thread(struct visit *visit);

/* Do threads of @pid have shadow stacks? */
bool visit_has_shadow_stack(pid_t pid);

#endif
