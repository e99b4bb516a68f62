/* SPDX-License-Identifier: MIT */
/*
 * agent_place.h - the agent's code as it is written into a target.
 *
 * The wrappers end in jumps that psample aims straight at the original
 * functions where those are in reach (2 GiB); where not, they lead through
 * agent_constants.originals.
 */
#ifndef HEAP_AGENT_PLACE_H
#define HEAP_AGENT_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/agent.h"

size_t agent_place_bytes(void);

/* The code for address @a; all of agent_place_bytes(). */
void agent_place_copy(uint8_t *out, uint64_t a,
		      const uint64_t originals[N_AGENT_FUNCTIONS]);

/* Is this the agent, wherever its jumps lead? */
bool agent_place_is_code(const uint8_t *bytes);

/*
 * Write it to @a through @mem_fd. Where it stands already threads may be in
 * it: then no more is written than jumps that lead elsewhere.
 */
bool agent_place_write(int mem_fd, uint64_t a,
		       const uint64_t originals[N_AGENT_FUNCTIONS]);

#endif
