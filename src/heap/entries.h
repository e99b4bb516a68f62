/* SPDX-License-Identifier: MIT */
/*
 * entries.h - malloc and its family in a static program: their first bytes.
 *
 * There is no word between a static program and its malloc that could lead
 * elsewhere (slots.h). So the first five bytes of each function become a jump
 * to the agent's wrapper, and what stood there runs as a gate (gate.h), which
 * is the wrapper's original. Gates are in A, at AGENT_GATES_AT; ways within
 * the allocator (reach.h) lead to them.
 *
 * All is read from the program's file. Bytes that run are changed only while
 * all threads stand and none is in the midst of them.
 */
#ifndef HEAP_ENTRIES_H
#define HEAP_ENTRIES_H

#include "heap/inject.h"
#include "heap/reach.h"
#include "heap/slots.h"

struct entries { /* entries_init() before use */
	const struct module *module; /* the program; NULL: it is not static */
	taddr bias;
	struct elf_symbols symbols;
	struct reach reach;
	struct vec list;    /* struct entry */
	struct vec patches; /* struct entry_patch, in the order of writing */
	uint64_t vaddrs[N_AGENT_FUNCTIONS]; /* 0: not there */
	taddr lowest, highest; /* that patches of functions are at */
	int64_t held_ns; /* how long threads were stopped */
	size_t n_patched;
};

void entries_init(struct entries *entries);
void entries_clear(struct entries *entries);

/* Is the program static? */
bool entries_are_needed(const struct inject *inject);

/* Bring a launched static program to the return of its exec. */
struct error *entries_await(const struct inject *inject) MUST_USE;

/*
 * Find the functions; nothing is changed. Fails with what is in the way, and
 * what would work. @slots learns where operator new is.
 */
struct error *entries_find(struct entries *entries,
			   const struct inject *inject,
			   const struct space *space,
			   struct slots *slots) MUST_USE;

/*
 * After inject_prepare(): choose where A is to be, if it is not there yet,
 * and so what the originals of @slots are.
 */
struct error *entries_place(struct entries *entries, struct inject *inject,
			    const struct space *space,
			    struct slots *slots) MUST_USE;

/* The last two in one, with inject_prepare() or attach_inspect(). */
struct error *entries_prepare(struct entries *entries, struct inject *inject,
			      struct space *space,
			      struct slots *slots) MUST_USE;

/* The agent is there: write gates, and the jumps to the wrappers. */
struct error *entries_patch(struct entries *entries,
			    const struct inject *inject) MUST_USE;

/* The same where the one thread stands in the stub, traced by the caller. */
struct error *entries_patch_standing(struct entries *entries,
				     const struct inject *inject) MUST_USE;

/*
 * Put back what stood there, if all threads can be stopped at once; else the
 * jumps stay, and the agent is silent.
 */
void entries_restore(struct entries *entries, const struct inject *inject);

#endif
