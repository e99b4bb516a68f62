/* SPDX-License-Identifier: MIT */
/*
 * stackmap.h - which memory of a process may be read while a thread stands.
 *
 * process_vm_readv(2) of a page that a userfaultfd or a network file system
 * has to bring sleeps until they do, maybe for ever, with the thread stopped
 * all the while. So a stack is copied only out of memory that the kernel
 * itself fills: anonymous memory, [stack], [heap], memfd, without userfaultfd.
 */
#ifndef SAMPLER_STACKMAP_H
#define SAMPLER_STACKMAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "arch/regs.h"
#include "util/vec.h"

enum stack_verdict {
	STACK_GOOD,
	STACK_BAD,     /* may block its reader */
	STACK_UNKNOWN, /* was not there, or not readable */
};

struct stackmap { /* zero-initialize, then stackmap_clear() at the end */
	struct vec ranges; /* struct stack_range, by address */
	bool is_made;
	bool is_stale;	   /* something unknown was asked for */
	bool has_userfaultfd;
	char *text;	   /* of the last reading, and room for a larger one */
	size_t text_bytes;
	int64_t cost_ns;   /* of the last reading */
	int64_t next_ns;   /* not read again before this */
};

/*
 * Read the maps of @pid through its thread @tid again, unless that was done
 * too short a while ago for what it costs.
 */
void stackmap_refresh(struct stackmap *map, pid_t pid, pid_t tid);

/*
 * The same while a thread stands, if it was cheap the last time: without
 * allocation, so it gives up when the maps have doubled. False: not done.
 */
bool stackmap_refresh_in_stop(struct stackmap *map, pid_t pid, pid_t tid);
void stackmap_clear(struct stackmap *map);

/*
 * May memory at @sp be read? @out_lo, @out_hi: the range around it for which
 * the same holds.
 */
enum stack_verdict stackmap_check(const struct stackmap *map, taddr sp,
				  taddr *out_lo, taddr *out_hi);

#endif
