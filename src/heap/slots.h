/* SPDX-License-Identifier: MIT */
/*
 * slots.h - the words through which modules call malloc, and their change.
 *
 * A call into another module goes through a word that the dynamic linker
 * fills (psABI 4.4, R_X86_64_JUMP_SLOT, GLOB_DAT, 64). Those of malloc's
 * family are pointed at the agent's wrappers, by writes of eight bytes while
 * the program runs, and back again; a word that holds something else than
 * expected is left alone.
 */
#ifndef HEAP_SLOTS_H
#define HEAP_SLOTS_H

#include "heap/agent.h"
#include "heap/linkmap.h"

struct slots { /* slots_init() before use */
	struct vec list;    /* struct slot */
	struct vec modules; /* struct link_module, as listed last */
	uint64_t originals[N_AGENT_FUNCTIONS]; /* 0: nobody defines it */
	taddr definers[N_AGENT_FUNCTIONS]; /* dynamic segments */
	taddr wrappers[N_AGENT_FUNCTIONS];
	taddr allocator; /* dynamic segment of the module that defines malloc */
	bool is_libc;	 /* that is libc, which calls it like others do */
	bool maps;	 /* mmap(2) and its kin, instead of malloc's */
	bool no_inuse;	 /* not free() and its kin */
	struct vec news; /* struct code_range: forms of operator new */
	uint64_t n_skipped; /* slots that hold something unexpected */
};

struct code_range {
	taddr start, end;
};

struct slot {
	taddr addr;
	uint64_t before;
	uint32_t function; /* enum agent_function */
};

void slots_init(struct slots *slots);
void slots_clear(struct slots *slots);
void slots_copy(struct slots *out, const struct slots *slots);

/*
 * Find the definitions that the program uses: the first in the order of the
 * dynamic linker's list. False: those that are wanted are not there.
 */
bool slots_find_originals(struct slots *slots, int mem_fd, taddr debug);

/*
 * Is there a module that slots_patch() has not seen, or a slot that does not
 * lead to its wrapper any more? Cheap: to be asked now and then.
 */
bool slots_are_stale(const struct slots *slots, int mem_fd, taddr debug);

/*
 * Point the slots of all modules that are listed now at the wrappers, if they
 * are not yet. The number of those that were changed.
 */
size_t slots_patch(struct slots *slots, int mem_fd, taddr debug);

/* Is it free() or a form of operator delete? Not realloc(). */
bool slots_is_release(int function);

/* The enum agent_function that is called @name, or -1. */
int slots_function_named(const char *name);

/* One form of it is at @start. */
void slots_add_operator_new(struct slots *slots, taddr start, uint64_t bytes);

/* Is @addr in a form of C++'s operator new? */
bool slots_is_operator_new(const struct slots *slots, taddr addr);

/* Put back those that still hold our wrappers. */
void slots_restore(struct slots *slots, int mem_fd);

#endif
