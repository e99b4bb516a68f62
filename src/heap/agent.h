/* SPDX-License-Identifier: MIT */
/*
 * agent.h - what the agent and psample share: the layout of its memory.
 *
 * The agent is the code in the section "agent_text" of psample. A copy of it
 * runs in the target, in region A; region B is shared with psample.
 *	A+0	code			r-x, written by psample alone
 *	A+2000	struct agent_constants	r-x, likewise
 *	A+3000	gates (entries.h)	r-x, likewise
 *	A+4000	struct agent_state	rw-, zero in a forked child
 *	B	struct agent_shared	rw-, not there in a forked child
 * A wrapper is called in place of the original, with the caller's arguments
 * and stack as they are; it changes rax and rcx (calloc: rdx) and flags, pushes
 * nothing unless a sample is due, and goes on in originals[function], which
 * must be callable with everything else as it was: so a trampoline may stand
 * there. The entries are agent_wrap_* (inject_wrappers()).
 *
 * A forked child finds nobody active and touches nothing of B, and what was
 * sampled can be read when the target has ended. A session is one run of one
 * psample, a number of its own. Freestanding: included by code without libc.
 */
#ifndef HEAP_AGENT_H
#define HEAP_AGENT_H

#include <stdint.h>

#define AGENT_CONSTANTS_AT 0x2000
#define AGENT_GATES_AT 0x3000
#define AGENT_STATE_AT 0x4000
#define AGENT_STATE_BYTES 0x22000
#define AGENT_BYTES (AGENT_STATE_AT + AGENT_STATE_BYTES)

#define AGENT_SILENT (INT64_C(1) << 62) /* left, where nothing is sampled */
#define AGENT_COUNTERS 1024
#define AGENT_FILTER 65536
#define AGENT_BUCKETS 8192
#define AGENT_WAYS 8
#define AGENT_RECORDS 512
#define AGENT_STACK_BYTES 8192
#define AGENT_DROPS_MAX (4u << 20) /* in a row: nobody reads any more */

enum agent_function {
	AGENT_MALLOC,
	AGENT_FREE,
	AGENT_CALLOC,
	AGENT_REALLOC,
	AGENT_MEMALIGN,
	AGENT_ALIGNED_ALLOC,
	AGENT_POSIX_MEMALIGN,
	AGENT_VALLOC,
	AGENT_PRCTL, /* these two may install a seccomp filter */
	AGENT_SYSCALL,
	AGENT_CXA_FINALIZE, /* called by each module at the end */
	/*
	 * From here on only where the allocator has its own (slots.c). The
	 * twin of one that throws stands two behind it.
	 */
	AGENT_NEW,
	AGENT_NEW_ARRAY,
	AGENT_NEW_NOTHROW,
	AGENT_NEW_ARRAY_NOTHROW,
	AGENT_NEW_ALIGNED,
	AGENT_NEW_ARRAY_ALIGNED,
	AGENT_NEW_ALIGNED_NOTHROW,
	AGENT_NEW_ARRAY_ALIGNED_NOTHROW,
	AGENT_DELETE,
	AGENT_DELETE_ARRAY,
	AGENT_DELETE_SIZED,
	AGENT_DELETE_ARRAY_SIZED,
	AGENT_DELETE_NOTHROW,
	AGENT_DELETE_ARRAY_NOTHROW,
	AGENT_DELETE_ALIGNED,
	AGENT_DELETE_ARRAY_ALIGNED,
	AGENT_DELETE_SIZED_ALIGNED,
	AGENT_DELETE_ARRAY_SIZED_ALIGNED,
	AGENT_MMAP, /* these five only where memory is what is watched */
	AGENT_MMAP64,
	AGENT_MUNMAP,
	AGENT_MREMAP,
	AGENT_MPROTECT,
	N_AGENT_FUNCTIONS,
};

struct agent_constants {
	uint64_t originals[N_AGENT_FUNCTIONS]; /* at +0: used by wrappers */
	uint64_t shared; /* address of B */
	uint64_t mean_bytes, seed;
	uint64_t stack_end; /* of the main thread's frames */
	uint64_t no_inuse; /* nobody tells what is freed */
	uint32_t log2[257]; /* of 1 + i/256, times 65536 */
};

struct agent_counter { /* of the threads that hash to it */
	int64_t left; /* bytes until the next sample; at +0 */
	int64_t draw; /* what left began with */
	uint64_t random; /* 0: nothing was drawn yet */
	uint64_t unused[5];
};

struct agent_state {
	uint32_t stub_fd, stub_step, may_go, unused; /* see stub.h */
	uint32_t is_filtered; /* by seccomp: no system calls of ours */
	uint32_t n_calling; /* threads that may be about to make some */
	uint64_t active; /* the session that samples; 0: be silent */
	uint64_t owner;	 /* the session that has all this; 0: nobody's */
	uint32_t unused_rest[1014];
	struct agent_counter counters[AGENT_COUNTERS]; /* at +0x1000 */
	uint8_t filter[AGENT_FILTER]; /* live samples by hash; +0x11000 */
};

struct agent_live {
	uint64_t ptr; /* 0: free, 1: being filled */
	uint64_t id;
};

enum agent_kind {
	AGENT_ALLOCATED, /* one of malloc and its family, sampled */
	AGENT_MAPPED,	 /* size bytes at addr, by mmap(2) or mremap(2) */
	AGENT_UNMAPPED,	 /* these are free; without a stack */
	AGENT_RESERVED,	 /* mapped without any right; likewise */
	AGENT_OPENED, AGENT_CLOSED, /* by mprotect(2); the latter likewise */
};

struct agent_record {
	uint64_t sequence; /* id, once the record is whole */
	uint64_t kind, addr;
	uint64_t size, thread;
	uint64_t regs[6]; /* r15 r14 r13 r12 rbx rbp of the caller */
	uint64_t pc, sp;  /* return address, sp behind it */
	uint64_t n_stack;
	uint8_t stack[AGENT_STACK_BYTES];
};

struct agent_shared {
	uint64_t head; /* records begun; this line is the target's */
	uint64_t n_dropped;
	uint64_t failed_bytes; /* asked for in vain */
	uint64_t n_unlisted;   /* records whose object found no place */
	uint64_t counted_bytes; /* all that is off the counters so far */
	uint64_t mapped_bytes; /* by all calls that are written down */
	uint64_t unused[2];
	uint64_t tail; /* records read; this line is psample's */
	uint64_t drops_in_row;
	uint64_t beat; /* grows while psample is there */
	uint64_t unused_too[501];
	struct agent_live live[AGENT_BUCKETS][AGENT_WAYS];
	struct agent_record records[AGENT_RECORDS];
};

#endif
