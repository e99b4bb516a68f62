/* SPDX-License-Identifier: MIT */
/*
 * filtered.h - would the seccomp filters of a running program let the agent in?
 *
 * Its threads may have different ones. What the stub calls is a matter of the
 * thread that is borrowed, what the agent calls is one of all threads: where a
 * single one would not be permitted it, or cannot be known, the agent is mute:
 * it makes no system calls.
 */
#ifndef HEAP_FILTERED_H
#define HEAP_FILTERED_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"
#include "util/vec.h"

struct filtered {
	struct vec judged; /* struct judgement: of different filters */
	bool must_be_mute;
};

enum filtered_mode { /* as /proc/PID/status has it */
	FILTERED_NOT,
	FILTERED_STRICT, /* it may read, write and end */
	FILTERED_BY_PROGRAM,
};

void filtered_init(struct filtered *filtered);
void filtered_clear(struct filtered *filtered);

enum filtered_mode filtered_mode(pid_t tid);

/*
 * Look at the filters of all threads of @pid; those that have some are stopped
 * for a moment, one after the other. An error: none may be borrowed. Called
 * once more it tells of what has changed; mute stays mute.
 */
struct error *filtered_survey(struct filtered *filtered, pid_t pid) MUST_USE;

/*
 * May @tid, which is stopped by the calling thread, go through the stub? It
 * had @mode just before. @*out_may_restart: may it call restart_syscall(2)?
 */
bool filtered_permits_stub(const struct filtered *filtered, pid_t tid,
			   enum filtered_mode mode, bool *out_may_restart);

#endif
