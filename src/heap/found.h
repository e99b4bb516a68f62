/* SPDX-License-Identifier: MIT */
/*
 * found.h - what is in a target already, and where there is room.
 *
 * An agent of an earlier run stays where it is, silent; it is known by its
 * code and used again, so that nothing adds up. So is the stub.
 */
#ifndef HEAP_FOUND_H
#define HEAP_FOUND_H

#include "heap/agent.h"
#include "image/space.h"

#define FOUND_B_BYTES \
	((sizeof(struct agent_shared) + 4095) & ~(uint64_t)4095)

struct found {
	taddr a, b; /* where they are, or may be */
	bool has_a, has_b;
	uint64_t owner; /* session, or 0 */
};

void found_look(struct found *found, const struct space *space, int mem_fd);

/* Is the psample still there that has the owner's session? May take 1 s. */
bool found_is_in_use(const struct found *found, int mem_fd);

/* A number that no other psample has, and that tells who we are. */
uint64_t found_new_session(void);

/* A place for the stub, or where it stands; 0: none. */
taddr found_cave(const struct space *space, int mem_fd);
bool found_has_stub(int mem_fd, taddr addr);

#endif
