/* SPDX-License-Identifier: MIT */
/*
 * stub.h - a few hundred bytes of code that map the agent's memory.
 *
 * A thread of the target is sent there once, by one change of its registers,
 * and comes back by itself: should psample die at any moment, the thread needs
 * nobody. What it works with is in registers and in a frame on its stack,
 * below the red zone; so the code is the same for all threads and sessions,
 * and stays.
 *
 * It maps A, unless it is there; makes the session the owner, if nobody else
 * was faster; maps B, and waits for may_go, with B's descriptor open for
 * psample to take; closes it and goes on where the thread was.
 */
#ifndef HEAP_STUB_H
#define HEAP_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct stub_parameters {
	uint64_t code;	/* where the stub is */
	uint64_t a, b;	/* where to map them: multiples of a page */
	uint64_t b_bytes;
	uint64_t session, owner_before;
	bool has_a;	/* it is there already */
	bool has_b;	/* likewise, and is to be replaced */
	uint32_t naps;	/* of some 100 us, at most, while psample is busy */
	pid_t parent;	/* the stub ends when the process has another one;
			 * 0: whatever becomes of it */
};

/* In stub_step, together with the higher bits of the session's number. */
enum stub_step {
	STUB_NOWHERE,
	STUB_HAS_A,
	STUB_HAS_B,
	STUB_DONE,
	STUB_FAILED,
	STUB_STEPS = 8,
};

struct stub_frame { /* the thread's stack while it is in the stub */
	uint64_t has_a, b_flags, naps;
	uint64_t nap[2];
	uint64_t parent;
	uint64_t r15, r14, r13, r12, rbx, rbp, r11, r10, r9, r8;
	uint64_t rdi, rsi, rdx, rcx, rax;
	uint64_t flags, resume;
};

#define STUB_RED_ZONE 128

/* What tells the steps of @session from those of others. */
static inline uint32_t stub_tag(uint64_t session)
{
	return (uint32_t)session & ~(uint32_t)(STUB_STEPS - 1);
}

size_t stub_bytes(void);
const uint8_t *stub_code(void);

/*
 * Change @regs, with which the thread would go on, to those that send it
 * through the stub. @frame is to be written to the new rsp.
 */
void stub_enter(const struct stub_parameters *parameters,
		struct user_regs_struct *regs, struct stub_frame *frame);

#endif
