/* SPDX-License-Identifier: MIT */
/* graft.c - the agent, put into one memory image of a process. */
#include "heap/graft.h"

#include <elf.h>
#include <math.h>
#include <stddef.h>
#include <unistd.h>

#include "heap/attach.h"
#include "heap/found.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"

#define STACK_SPARE 2048 /* below the stub's frame, for a signal */

void graft_init(struct graft *graft, pid_t pid, int mem_fd,
		const struct graft_options *options)
{
	struct agent_constants *constants = &graft->constants;

	*graft = (struct graft){ .inject.pid = pid, .inject.mem_fd = mem_fd };
	slots_init(&graft->slots);
	entries_init(&graft->entries);
	graft->slots.maps = options->maps;
	graft->slots.no_inuse = options->no_inuse;
	constants->no_inuse = options->no_inuse;
	constants->mean_bytes = options->mean_bytes;
	constants->seed = (uint64_t)clock_now_ns();
	for (size_t i = 0; i < ARRAY_SIZE(constants->log2); i++)
		constants->log2[i] =
			(uint32_t)lround(log2(1 + (double)i / 256) * 65536);
}

void graft_clear(struct graft *graft)
{
	inject_clear(&graft->inject);
	slots_clear(&graft->slots);
	entries_clear(&graft->entries);
	if (graft->inject.mem_fd >= 0)
		close(graft->inject.mem_fd);
	graft->inject.mem_fd = -1;
}

void graft_copy(struct graft *graft, const struct graft *of, pid_t pid,
		int mem_fd)
{
	struct stub_parameters *stub = &graft->inject.stub;

	*graft = (struct graft){
		.inject = {
			.pid = pid,
			.mem_fd = mem_fd,
			.is_static = of->inject.is_static,
			.is_copy = true,
			.is_fresh = true, /* MADV_WIPEONFORK */
			.debug = of->inject.debug,
			.stub = of->inject.stub,
		},
		.constants = of->constants,
		.is_copy = true,
	};
	graft->constants.seed = (uint64_t)clock_now_ns();
	slots_copy(&graft->slots, &of->slots);
	entries_init(&graft->entries);
	stub->has_a = true;
	stub->has_b = false;
	stub->owner_before = 0;
	stub->session = found_new_session();
	stub->parent = 0;
	stub->naps = 1;
}

/* No frames are above the 16 bytes that the kernel puts below its strings. */
static void find_stack_end(struct graft *graft, const struct space *space)
{
	taddr random = proc_auxv(graft->inject.pid, AT_RANDOM);

	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		if (!m->is_live || strcmp(m->path, "[stack]") != 0)
			continue;
		graft->constants.stack_end =
			random >= m->start && random < m->end ? random
							      : m->end;
	}
}

static struct error *prepare_dynamic(struct graft *graft,
				     const struct space *space)
{
	struct inject *inject = &graft->inject;
	struct slots *slots = &graft->slots;
	struct error *error = inject->is_running
				      ? attach_inspect(inject, space)
				      : inject_prepare(inject, space);

	if (!error &&
	    !slots_find_originals(slots, inject->mem_fd, inject->debug))
		error = error_new("no module of it defines %s",
				  slots->maps ? "mmap" : "malloc");
	return error;
}

struct error *graft_prepare(struct graft *graft, struct space *space)
{
	struct error *error = graft->inject.is_static
				      ? entries_prepare(&graft->entries,
							&graft->inject,
							space,
							&graft->slots)
				      : prepare_dynamic(graft, space);

	if (error)
		return error;
	find_stack_end(graft, space);
	memcpy(graft->constants.originals, graft->slots.originals,
	       sizeof(graft->slots.originals));
	graft->constants.shared = graft->inject.stub.b;
	return NULL;
}

struct error *graft_send(struct graft *graft)
{
	struct inject *inject = &graft->inject;
	struct user_regs_struct regs;
	struct stub_frame frame;
	uint8_t spare[STACK_SPARE + sizeof(frame)];
	struct error *error = inject_write_stub(inject);

	if (error)
		return error;
	if (tracee_get_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("it has ended");
	stub_enter(&inject->stub, &regs, &frame);
	if (memfile_read(inject->mem_fd, regs.rsp - STACK_SPARE, spare,
			 sizeof(spare)) != sizeof(spare) ||
	    !memfile_write(inject->mem_fd, regs.rsp, &frame,
			   sizeof(frame)) ||
	    tracee_set_regs(inject->pid, &regs) != TRACEE_OK)
		return error_new("its thread has no room on its stack");
	return NULL;
}

static bool read_state(const struct graft *graft, struct agent_state *out)
{
	size_t len = offsetof(struct agent_state, unused_rest);

	return memfile_read(graft->inject.mem_fd,
			    graft->inject.stub.a + AGENT_STATE_AT, out,
			    len) == len;
}

enum stub_step graft_look(const struct graft *graft)
{
	uint64_t session = graft->inject.stub.session;
	struct agent_state state;
	uint32_t step;

	if (!read_state(graft, &state) || state.owner != session)
		return STUB_NOWHERE;
	step = state.stub_step - stub_tag(session);
	return step < STUB_STEPS ? step : STUB_NOWHERE;
}

bool graft_is_asleep(const struct graft *graft)
{
	struct agent_state state;

	return read_state(graft, &state) && !state.owner && !state.active;
}

struct error *graft_install(struct graft *graft, struct poke *poke)
{
	struct inject *inject = &graft->inject;
	struct slots *slots = &graft->slots;
	struct error *error = inject_install(inject, &graft->constants);

	if (!error)
		error = inject_activate(inject, poke);
	if (error)
		return error;
	if (inject->is_static)
		return graft->is_copy ? NULL
				      : entries_patch(&graft->entries, inject);
	inject_wrappers(inject, slots->wrappers);
	if (!graft->is_copy)
		slots_patch(slots, inject->mem_fd, inject->debug);
	return NULL;
}

void graft_restore(struct graft *graft)
{
	if (!graft->inject.is_static)
		slots_restore(&graft->slots, graft->inject.mem_fd);
	else if (!graft->is_copy)
		entries_restore(&graft->entries, &graft->inject);
}

size_t graft_count(const struct graft *graft)
{
	return graft->inject.is_static ? graft->entries.n_patched
				       : graft->slots.list.n;
}
