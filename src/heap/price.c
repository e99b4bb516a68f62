/* SPDX-License-Identifier: MIT */
/*
 * price.c - what the agent costs on this machine, measured in psample.
 *
 * A copy of the agent runs here, in front of an allocator that does nothing.
 */
#include "heap/price.h"

#include <sys/mman.h>

#include "heap/agent_place.h"
#include "heap/inject.h"
#include "util/clock.h"
#include "util/mem.h"

#define ROUNDS 10
#define PAIRS 10000
#define NEAR_BELOW ((uintptr_t)1 << 30) /* a jump reaches so far */
#define SAMPLES 50 /* the ring has room for them */

typedef void *(*allocate_fn)(size_t size);
typedef void (*release_fn)(void *ptr);

struct pair {
	allocate_fn allocate;
	release_fn release;
};

#define FIRST_OBJECT ((uintptr_t)1 << 20)
#define OBJECTS_BYTES ((uintptr_t)1 << 16)

/*
 * Each time another address, or the agent's table is full of one bucket. There
 * is nothing at it, since nobody looks.
 */
static void *allocate_nothing(size_t size)
{
	return (void *)(FIRST_OBJECT + size % OBJECTS_BYTES);
}

static void release_nothing(void *ptr)
{
	__asm__ volatile("" : : "r"(ptr)); /* a call that has to be made */
}

/* The best of some: others run on this machine, too. */
static double time_pairs(const struct pair *pair, int n)
{
	double best_ns = 0;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin_ns = clock_now_ns();
		double ns;

		for (int i = 0; i < n; i++)
			pair->release(pair->allocate((size_t)i * 16));
		ns = (double)(clock_now_ns() - begin_ns) / n;
		if (!round || ns < best_ns)
			best_ns = ns;
	}
	return best_ns;
}

/* Once all over the ring first, so that its pages are there. */
static double time_samples(const struct pair *pair,
			   struct agent_shared *shared)
{
	double best_ns = 0;

	for (int round = 0; round <= ROUNDS; round++) {
		int n = round ? SAMPLES : AGENT_RECORDS;
		int64_t begin_ns = clock_now_ns();
		double ns;

		for (int i = 0; i < n; i++)
			pair->allocate((size_t)i * 16);
		ns = (double)(clock_now_ns() - begin_ns) / n;
		if (round && (round == 1 || ns < best_ns))
			best_ns = ns;
		shared->tail = shared->head;
	}
	return best_ns;
}

static void set_up(char *a, struct agent_shared *shared, struct pair *out)
{
	struct agent_constants *constants = (void *)(a + AGENT_CONSTANTS_AT);
	struct agent_state *state = (void *)(a + AGENT_STATE_AT);
	struct inject inject = { .stub.a = (taddr)a };
	taddr wrappers[N_AGENT_FUNCTIONS];

	constants->originals[AGENT_MALLOC] = (uint64_t)allocate_nothing;
	constants->originals[AGENT_FREE] = (uint64_t)release_nothing;
	agent_place_copy((uint8_t *)a, (uint64_t)a, constants->originals);
	constants->shared = (uint64_t)shared;
	constants->mean_bytes = 1;
	state->active = 1;
	inject_wrappers(&inject, wrappers);
	out->allocate = (allocate_fn)wrappers[AGENT_MALLOC];
	out->release = (release_fn)wrappers[AGENT_FREE];
}

void price_measure(bool no_inuse, struct price *out)
{
	CLEANUP(free) struct agent_shared *shared =
		xcalloc(1, sizeof(*shared));
	struct pair plain = { allocate_nothing, release_nothing }, watched;
	uintptr_t near = (uintptr_t)allocate_nothing - NEAR_BELOW;
	char *a = mmap((void *)(near & ~(uintptr_t)4095), AGENT_BYTES,
		       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	*out = (struct price){ 0, 0 };
	if (a == MAP_FAILED)
		return;
	set_up(a, shared, &watched);
	if (no_inuse) {
		struct agent_constants *constants =
			(void *)(a + AGENT_CONSTANTS_AT);

		constants->no_inuse = true;
		watched.release = plain.release;
	}
	if (!mprotect(a, AGENT_STATE_AT, PROT_READ | PROT_EXEC)) {
		struct agent_state *state = (void *)(a + AGENT_STATE_AT);

		out->sample_ns = time_samples(&watched, shared);
		memset(state->filter, 0, sizeof(state->filter));
		for (size_t i = 0; i < AGENT_COUNTERS; i++)
			state->counters[i].left = AGENT_SILENT;
		out->pair_ns = time_pairs(&watched, PAIRS) -
			       time_pairs(&plain, PAIRS);
	}
	munmap(a, AGENT_BYTES);
}
