/* SPDX-License-Identifier: MIT */
/*
 * agent_code.h - for the parts of the agent that runs in a target: where its
 * memory is, and what the wrappers (agent_wrap.c) call.
 */
#ifndef HEAP_AGENT_CODE_H
#define HEAP_AGENT_CODE_H

#include "heap/agent.h"

#define IN_AGENT __attribute__((section("agent_text")))
#define ALWAYS static inline __attribute__((always_inline))

/*
 * The counter of a thread: middle bits of a product with its thread pointer,
 * since the stacks of threads lie at powers of two from each other. The same
 * product with a pointer is the place of an object in the table.
 */
#define HASH "0x61c88647"
#define HASH_FACTOR UINT64_C(0x61c88647)

/*
 * The filter has an entry for each KiB or so of addresses, in their order: a
 * program that uses 0.5 MiB touches 9 cache lines of it. Not 1 KiB exactly:
 * arenas lie at powers of two from each other, too.
 */
#define NEAR_TEXT "0x410300"
#define NEAR_FACTOR UINT64_C(0x410300)
#define FILTER_FULL 255 /* for good, until the next session */

extern char agent_base[] __asm__("__start_agent_text")
	__attribute__((visibility("hidden")));

struct agent_frame { /* as the wrappers push it */
	uint64_t regs[6];
	uint64_t return_address;
};

struct agent_call { /* where all arguments are wanted, and pushed */
	uint64_t args[6];
	struct agent_frame frame;
};

/* Called by the wrappers alone. */
#define FROM_WRAPPER IN_AGENT __attribute__((used))
FROM_WRAPPER void *agent_malloc(uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_valloc(uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_calloc(uint64_t n, uint64_t size,
				const struct agent_frame *frame);
FROM_WRAPPER void *agent_realloc(void *ptr, uint64_t size,
				 const struct agent_frame *frame);
FROM_WRAPPER void *agent_memalign(uint64_t alignment, uint64_t size,
				  const struct agent_frame *frame);
FROM_WRAPPER void *agent_aligned_alloc(uint64_t alignment, uint64_t size,
				       const struct agent_frame *frame);
FROM_WRAPPER int agent_posix_memalign(void **out, uint64_t alignment,
				      uint64_t size,
				      const struct agent_frame *frame);
FROM_WRAPPER void agent_free(const void *ptr);
FROM_WRAPPER void agent_flush(void);
FROM_WRAPPER void *agent_new(uint64_t size, uint64_t alignment,
			     enum agent_function twin,
			     const struct agent_frame *frame);

FROM_WRAPPER uint64_t agent_mmap(const struct agent_call *call);
FROM_WRAPPER uint64_t agent_mmap64(const struct agent_call *call);
FROM_WRAPPER uint64_t agent_munmap(const struct agent_call *call);
FROM_WRAPPER uint64_t agent_mremap(const struct agent_call *call);
FROM_WRAPPER uint64_t agent_mprotect(const struct agent_call *call);

/*
 * A place in the ring, or NULL: it is full. The record is psample's when its
 * sequence is set to @*out_sequence.
 */
FROM_WRAPPER struct agent_record *agent_take_record(uint64_t *out_sequence);
/* Registers and stack of who called the wrapper. */
FROM_WRAPPER void agent_copy_caller(struct agent_record *record,
				    const struct agent_frame *frame);

ALWAYS const struct agent_constants *constants(void)
{
	return (const void *)(agent_base + AGENT_CONSTANTS_AT);
}

ALWAYS struct agent_state *state(void)
{
	return (void *)(agent_base + AGENT_STATE_AT);
}

ALWAYS struct agent_shared *shared(void)
{
	return (struct agent_shared *)constants()->shared;
}

ALWAYS void *original(enum agent_function function)
{
	return (void *)constants()->originals[function];
}

ALWAYS uint64_t thread_pointer(void)
{
	uint64_t value;

	__asm__("mov %%fs:0, %0" : "=r"(value));
	return value;
}

ALWAYS struct agent_counter *counter(void)
{
	uint64_t at = thread_pointer() * HASH_FACTOR >> 26 & 0xffc0;

	return (void *)((char *)state()->counters + at);
}

#endif
