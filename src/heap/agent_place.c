/* SPDX-License-Identifier: MIT */
/* agent_place.c - the agent's code as it is written into a target. */
#include "heap/agent_place.h"

#include <string.h>

#include "target/memfile.h"
#include "util/mem.h"

extern const uint8_t agent_start[] __asm__("__start_agent_text")
	__attribute__((visibility("hidden")));
extern const uint8_t agent_end[] __asm__("__stop_agent_text")
	__attribute__((visibility("hidden")));

struct site { /* as ORIGINAL_IF() in agent_wrap.c makes them */
	int32_t to_jump; /* from here to the four bytes that say where to */
	uint32_t function;
};

extern const struct site sites_start[] __asm__("__start_agent_sites")
	__attribute__((visibility("hidden")));
extern const struct site sites_end[] __asm__("__stop_agent_sites")
	__attribute__((visibility("hidden")));

static size_t offset_of(const struct site *site)
{
	return (size_t)((const uint8_t *)site + site->to_jump - agent_start);
}

size_t agent_place_bytes(void)
{
	return (size_t)(agent_end - agent_start);
}

void agent_place_copy(uint8_t *out, uint64_t a,
		      const uint64_t originals[N_AGENT_FUNCTIONS])
{
	memcpy(out, agent_start, agent_place_bytes());
	for (const struct site *site = sites_start; site < sites_end; site++) {
		size_t at = offset_of(site);
		uint64_t to = originals[site->function];
		int64_t distance = (int64_t)(to - (a + at + 4));
		int32_t jump = (int32_t)distance;

		if (to && jump == distance)
			memcpy(out + at, &jump, sizeof(jump));
	}
}

bool agent_place_is_code(const uint8_t *bytes)
{
	CLEANUP(free) uint8_t *code = xmalloc(agent_place_bytes());

	memcpy(code, bytes, agent_place_bytes());
	for (const struct site *site = sites_start; site < sites_end; site++)
		memcpy(code + offset_of(site), agent_start + offset_of(site),
		       sizeof(int32_t));
	return !memcmp(code, agent_start, agent_place_bytes());
}

/* Each is one aligned store, as it is for slots.c. */
static bool write_jumps(int mem_fd, uint64_t a, const uint8_t *there,
			const uint8_t *code)
{
	for (const struct site *site = sites_start; site < sites_end; site++) {
		size_t at = offset_of(site);

		if (memcmp(there + at, code + at, sizeof(int32_t)) &&
		    !memfile_write(mem_fd, a + at, code + at,
				   sizeof(int32_t)))
			return false;
	}
	return true;
}

bool agent_place_write(int mem_fd, uint64_t a,
		       const uint64_t originals[N_AGENT_FUNCTIONS])
{
	size_t n = agent_place_bytes();
	CLEANUP(free) uint8_t *code = xmalloc(n);
	CLEANUP(free) uint8_t *there = xmalloc(n);

	agent_place_copy(code, a, originals);
	if (memfile_read(mem_fd, a, there, n) == n &&
	    agent_place_is_code(there))
		return write_jumps(mem_fd, a, there, code);
	return memfile_write(mem_fd, a, code, n);
}
