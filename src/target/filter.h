/* SPDX-License-Identifier: MIT */
/*
 * filter.h - the seccomp filters of a thread, and what they say of a call.
 *
 * A filter is a program in classic BPF that the kernel runs before each system
 * call (seccomp(2)). Here it is run over a call that was not made yet and of
 * which not everything is known: both ways of a branch are followed then, and
 * the answer that permits least counts.
 */
#ifndef TARGET_FILTER_H
#define TARGET_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/mem.h"
#include "util/vec.h"

struct filter_call {
	int nr; /* SYS_* */
	uint64_t args[6];
	uint8_t known; /* bit i: args[i] is what it will be */
};

struct filters {
	struct vec code; /* struct sock_filter, of all; the oldest first */
	struct vec ends; /* size_t: where each ends in code */
};

void filters_init(struct filters *filters);
void filters_clear(struct filters *filters);

/*
 * Read those of @tid, a stopped tracee of the calling thread. 0, or an errno
 * value: EINVAL, it has none (or is in strict mode); EACCES, this needs
 * CAP_SYS_ADMIN outside of containers, and no filter of our own; EIO, the
 * kernel was built without it (CONFIG_CHECKPOINT_RESTORE).
 */
int filters_read(pid_t tid, struct filters *out) MUST_USE;

bool filters_equal(const struct filters *a, const struct filters *b);

/* SECCOMP_RET_*, with its data: what the kernel will do, at worst. */
uint32_t filters_answer(const struct filters *filters,
			const struct filter_call *call);

/* The same of one filter of @n instructions. */
uint32_t filter_answer(const struct sock_filter *code, size_t n,
		       const struct filter_call *call);

/* Is the call made, and nobody asked or told but the log? */
bool filter_is_permission(uint32_t answer);

#endif
