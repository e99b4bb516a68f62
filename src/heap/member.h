/* SPDX-License-Identifier: MIT */
/*
 * member.h - one process of a family, and how it is given the agent.
 *
 * PLAIN -exec-> LOADING -modules are there-> IN_STUB -memory is there-> GRAFTED
 * BORN (forked) -first stop-> IN_STUB, or PLAIN where there is nothing to wake
 *
 * In LOADING and IN_STUB a process stands at each system call; in the others
 * it runs, but for its signals and births.
 */
#ifndef HEAP_MEMBER_H
#define HEAP_MEMBER_H

#include "heap/graft.h"
#include "image/module.h"

enum member_phase {
	MEMBER_PLAIN,
	MEMBER_BORN,
	MEMBER_LOADING,
	MEMBER_IN_STUB,
	MEMBER_GRAFTED,
};

struct member { /* a process */
	pid_t pid;
	enum member_phase phase;
	bool is_return; /* the next stop is that of a call's return */
	int n_stops;	/* of these two */
	bool has_graft;
	struct graft graft; /* MEMBER_GRAFTED: a copy, for children */
};

static inline bool member_is_stepping(const struct member *member)
{
	return member->phase == MEMBER_LOADING ||
	       member->phase == MEMBER_IN_STUB;
}

/* It is what it is: nothing of ours is looked for in it. */
void member_drop_graft(struct member *member);

/* It stands behind exec: LOADING, or an error if it can have no graft. */
struct error *member_begin(struct member *member,
			   const struct graft_options *options) MUST_USE;

/* At the return of a call: are its modules there? A static one has none. */
bool member_is_loaded(struct member *member);

/* All is loaded: choose where all is to be. @modules are for those of all. */
struct error *member_prepare(struct member *member,
			     struct modules *modules) MUST_USE;

/* Send it, which stands, through the stub: IN_STUB. */
struct error *member_send(struct member *member) MUST_USE;

/*
 * A forked child at its first stop: does the agent sleep in it? It does not
 * if the memory is its parent's, or an error says why this cannot be told.
 */
struct error *member_look(struct member *member, bool *out) MUST_USE;

#endif
