/* SPDX-License-Identifier: MIT */
/* member.c - one process of a family, and how it is given the agent. */
#include "heap/member.h"

#include "image/gopclntab.h"
#include "target/permission.h"
#include "target/proc.h"

void member_drop_graft(struct member *member)
{
	if (member->has_graft)
		graft_clear(&member->graft);
	member->has_graft = false;
}

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	const struct member *member = ctx;
	struct mapped_file file = {
		.start = mapping->start,
		.end = mapping->end,
		.path = mapping->path,
		.inode = mapping->inode,
	};

	return proc_open_mapped_file(member->pid, &file);
}

static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct member *member = ctx;

	return (ssize_t)memfile_read(member->graft.inject.mem_fd, addr, buf,
				     len);
}

static char *read_maps(void *ctx, size_t *out_len)
{
	const struct member *member = ctx;

	return proc_read_maps(member->pid, member->pid, out_len);
}

static bool is_go_program(const struct space *space)
{
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *mapping = space_mapping(space, id);
		struct gopclntab *table;
		bool is_go;

		if (!mapping->is_executable || !mapping->module ||
		    !mapping->module->is_elf)
			continue;
		table = gopclntab_open(mapping->module);
		is_go = table != NULL;
		gopclntab_close(table);
		return is_go; /* the first one is the program */
	}
	return false;
}

struct error *member_prepare(struct member *member, struct modules *modules)
{
	struct stub_parameters *stub = &member->graft.inject.stub;
	struct image_source source = {
		.open_mapping = open_mapping,
		.read_memory = read_memory,
		.read_maps = read_maps,
		.ctx = member,
	};
	struct space *space = space_new(modules, &source);
	struct error *error = NULL;

	space_refresh(space);
	if (is_go_program(space))
		error = error_new("it is a Go program that another one "
				  "became or started");
	if (!error)
		error = graft_prepare(&member->graft, space);
	space_free(space);
	stub->parent = 0; /* not ours: one nap, and it goes on */
	stub->naps = 1;
	return error;
}

struct error *member_begin(struct member *member,
			   const struct graft_options *options)
{
	struct inject *inject = &member->graft.inject;
	struct error *error;
	int fd;

	member_drop_graft(member);
	member->phase = MEMBER_PLAIN;
	if (process_is_32bit(member->pid))
		return error_new("it is a 32-bit program");
	error = memfile_open(member->pid, &fd);
	if (error)
		return error;
	graft_init(&member->graft, member->pid, fd, options);
	inject->is_fresh = true;
	member->has_graft = true;
	inject->is_static = entries_are_needed(inject);
	if (!inject->is_static) {
		error = inject_check_dynamic(inject);
		if (error)
			return error;
	}
	member->phase = MEMBER_LOADING;
	member->is_return = true; /* of exec */
	member->n_stops = 0;
	return NULL;
}

bool member_is_loaded(struct member *member)
{
	struct inject *inject = &member->graft.inject;

	return inject->is_static || inject_is_ready(inject);
}

struct error *member_send(struct member *member)
{
	struct error *error = graft_send(&member->graft);

	if (error)
		return error;
	member->phase = MEMBER_IN_STUB;
	member->is_return = false;
	member->n_stops = 0;
	return NULL;
}

struct error *member_look(struct member *member, bool *out)
{
	struct error *error;
	int fd;

	*out = false;
	if (!member->has_graft)
		return NULL;
	error = memfile_open(member->pid, &fd);
	if (error)
		return error;
	member->graft.inject.mem_fd = fd;
	*out = graft_is_asleep(&member->graft);
	if (!*out)
		member_drop_graft(member);
	return NULL;
}
