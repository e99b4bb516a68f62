/* SPDX-License-Identifier: MIT */
/* found.c - what is in a target already, and where there is room. */
#include "heap/found.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/random.h>
#include <unistd.h>

#include "heap/agent_place.h"
#include "heap/stub.h"
#include "target/memfile.h"
#include "target/proc.h"
#include "util/clock.h"
#include "util/mem.h"

#define PAGE_BYTES UINT64_C(4096)
#define LIBRARIES_MIN UINT64_C(0x600000000000)
#define HOLE_BELOW (UINT64_C(32) << 30) /* nothing grows down so far */
#define NEAR_BELOW (UINT64_C(1) << 30) /* nor this far, as a rule */
#define REACH ((UINT64_C(1) << 31) - A_TO_B) /* of a jump */
#define A_TO_B (UINT64_C(1) << 24)
#define BEAT_WAIT_NS NS_PER_S
#define PID_BITS 22 /* PID_MAX_LIMIT of the kernel */

/* A free place at @from or below it, down to @to; 0: none. */
static taddr find_hole(const struct space *space, taddr from, taddr to)
{
	for (taddr a = from & ~(A_TO_B - 1); a > to; a -= 2 * A_TO_B)
		if (space_is_free(space, a, 2 * A_TO_B))
			return a;
	return 0;
}

/*
 * A hole below everything that is mapped near the libraries: from where a jump
 * reaches all of them, if there is one, or else far below.
 */
static void choose_place(struct found *found, const struct space *space)
{
	taddr lowest = UINT64_C(1) << 47, highest = 0;

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *mapping = space_mapping(space, id);

		if (!mapping->is_live || !mapping->is_executable ||
		    mapping->path[0] != '/' ||
		    mapping->start <= LIBRARIES_MIN)
			continue;
		if (mapping->start < lowest)
			lowest = mapping->start;
		if (mapping->end > highest)
			highest = mapping->end;
	}
	if (!highest) /* all is elsewhere */
		lowest = UINT64_C(1) << 46;
	if (highest > REACH)
		found->a = find_hole(space, lowest - NEAR_BELOW,
				     highest - REACH);
	if (!found->a)
		found->a = find_hole(space, lowest - HOLE_BELOW,
				     LIBRARIES_MIN / 2);
	if (!found->a)
		found->a = LIBRARIES_MIN / 2;
	found->b = found->a + A_TO_B;
}

/* Only A has such a mapping: r-x, of nobody's file, and of this length. */
static bool is_agent(const struct mapping *m, int mem_fd)
{
	size_t n_code = agent_place_bytes();
	CLEANUP(free) uint8_t *bytes = NULL;

	if (!m->is_live || !m->is_executable || m->is_writable ||
	    !m->is_private || m->path[0] ||
	    m->end - m->start != AGENT_STATE_AT)
		return false;
	bytes = xmalloc(n_code);
	if (memfile_read(mem_fd, m->start, bytes, n_code) != n_code)
		return false;
	if (agent_place_is_code(bytes))
		return true;
	for (size_t i = 0; i < n_code; i++)
		if (bytes[i]) /* else psample has died before it wrote it */
			return false;
	return true;
}

static bool is_b(const struct mapping *m)
{
	return m->is_live && m->end - m->start == FOUND_B_BYTES &&
	       !m->is_private && !strncmp(m->path, "/memfd:psample", 14);
}

/* The agent is at @a. */
static void take_agent(struct found *found, const struct space *space,
		       int mem_fd, taddr a)
{
	struct agent_state state;
	size_t len = offsetof(struct agent_state, unused_rest);

	choose_place(found, space); /* of B, if it is not there */
	found->a = a;
	found->has_a = true;
	if (memfile_read(mem_fd, found->a + AGENT_STATE_AT, &state, len) ==
	    len)
		found->owner = state.owner;
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		if (!is_b(m))
			continue;
		found->b = m->start;
		found->has_b = true;
	}
}

void found_look(struct found *found, const struct space *space, int mem_fd)
{
	*found = (struct found){ 0 };
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);
		const struct mapping *state;

		if (!is_agent(m, mem_fd))
			continue;
		state = space_find(space, m->end);
		if (!state || !state->is_writable || state->path[0] ||
		    state->end - m->end < AGENT_STATE_BYTES)
			continue;
		take_agent(found, space, mem_fd, m->start);
		return;
	}
	choose_place(found, space);
}

uint64_t found_new_session(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    sizeof(number))
		number = (uint64_t)clock_now_ns() * 0x9e3779b97f4a7c15u;
	return (uint64_t)getpid() << (64 - PID_BITS) |
	       (number >> PID_BITS) | 1 << 3;
}

static uint64_t read_beat(const struct found *found, int mem_fd)
{
	uint64_t beat = 0;

	memfile_read(mem_fd, found->b + offsetof(struct agent_shared, beat),
		     &beat, sizeof(beat));
	return beat;
}

static bool is_psample(pid_t pid)
{
	char comm[COMM_MAX], own[COMM_MAX];

	return pid != getpid() && (!kill(pid, 0) || errno == EPERM) &&
	       proc_read_comm(pid, pid, comm) &&
	       proc_read_comm(getpid(), getpid(), own) && !strcmp(comm, own);
}

/* By its pid; in another pid namespace that says nothing, but its beat does. */
bool found_is_in_use(const struct found *found, int mem_fd)
{
	struct timespec moment = timespec_of_ns(10 * NS_PER_MS);
	int64_t bound_ns = clock_now_ns() + BEAT_WAIT_NS;
	uint64_t beat = read_beat(found, mem_fd);

	if (is_psample((pid_t)(found->owner >> (64 - PID_BITS))))
		return true;
	while (clock_now_ns() < bound_ns) {
		if (read_beat(found, mem_fd) != beat)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

bool found_has_stub(int mem_fd, taddr addr)
{
	uint8_t bytes[1024];
	size_t len = stub_bytes();

	return len <= sizeof(bytes) &&
	       memfile_read(mem_fd, addr, bytes, len) == len &&
	       !memcmp(bytes, stub_code(), len);
}

static bool is_zero(int mem_fd, taddr addr, size_t len)
{
	uint8_t bytes[1024];

	if (len > sizeof(bytes) || memfile_read(mem_fd, addr, bytes, len) !=
					   len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/*
 * Zeros behind the code of a module, up to the end of its last page: nothing
 * refers to them. 0: none in @mapping.
 */
static taddr find_cave_in(const struct mapping *mapping, int mem_fd)
{
	const struct module *module = mapping->module;
	size_t len = stub_bytes();
	uint64_t vaddr;

	if (!mapping->is_live || !mapping->is_executable || !module ||
	    !module->is_elf || mapping->path[0] != '/' ||
	    !mapping_vaddr(mapping, mapping->start, &vaddr))
		return 0;
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *s = &module->segments[i];
		taddr addr = s->vaddr + s->memory_bytes - vaddr +
			     mapping->start;
		taddr end = (addr + PAGE_BYTES - 1) & -PAGE_BYTES;

		addr = (addr + 15) & ~(taddr)15;
		if (s->is_executable && addr > mapping->start &&
		    end <= mapping->end && end - addr >= len &&
		    (is_zero(mem_fd, addr, len) ||
		     found_has_stub(mem_fd, addr)))
			return addr;
	}
	return 0;
}

/*
 * The kernel's own module is padded with zeros to a page, too, and is written
 * like a file's private mapping: as a copy of this process. One in eight
 * static programs has no other place.
 */
static taddr find_cave_in_vdso(const struct mapping *mapping, int mem_fd)
{
	taddr addr = mapping->end - ((stub_bytes() + 15) & ~(size_t)15);

	if (!mapping->is_live || !mapping->is_executable ||
	    strcmp(mapping->path, "[vdso]") != 0 || addr <= mapping->start)
		return 0;
	return is_zero(mem_fd, addr, mapping->end - addr) ||
			       found_has_stub(mem_fd, addr)
		       ? addr : 0;
}

taddr found_cave(const struct space *space, int mem_fd)
{
	taddr cave = 0;

	for (uint32_t id = 0; id < space_n_mappings(space) && !cave; id++)
		cave = find_cave_in(space_mapping(space, id), mem_fd);
	for (uint32_t id = 0; id < space_n_mappings(space) && !cave; id++)
		cave = find_cave_in_vdso(space_mapping(space, id), mem_fd);
	return cave;
}
