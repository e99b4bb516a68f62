/* SPDX-License-Identifier: MIT */
/* subject.c - a process as the unwinder sees it. */
#include "sampler/subject.h"

#include <stdio.h>

#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	const struct subject *subject = ctx;
	struct mapped_file file = {
		.start = mapping->start,
		.end = mapping->end,
		.path = mapping->path,
		.inode = mapping->inode,
	};

	return proc_open_mapped_file(subject->tid, &file);
}

static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct subject *subject = ctx;

	return target_read(subject->tid, addr, buf, len);
}

static char *read_maps(void *ctx, size_t *out_len)
{
	const struct subject *subject = ctx;

	return proc_read_maps(subject->pid, subject->tid, out_len);
}

struct subject *subject_new(struct registry *registry, pid_t pid,
			    const struct subject *parent)
{
	struct subject *subject = xcalloc(1, sizeof(*subject));
	struct image_source source = {
		.open_mapping = open_mapping,
		.read_memory = read_memory,
		.read_maps = read_maps,
		.ctx = subject,
	};

	subject->pid = subject->tid = pid;
	subject->program = NO_ID;
	snprintf(subject->process, sizeof(subject->process), "%d", (int)pid);
	subject->mappings = VEC_OF(uint32_t);
	subject->pool = VEC_OF(struct hit);
	subject->space = parent ? space_fork(parent->space, &source)
				: space_new(&registry->modules, &source);
	return subject;
}

void subject_free(struct subject *subject)
{
	if (!subject)
		return;
	space_free(subject->space);
	vec_clear(&subject->mappings);
	vec_clear(&subject->pool);
	map_clear(&subject->locations);
	free(subject);
}

static uint32_t add_mapping(struct registry *registry,
			    const struct mapping *mapping)
{
	struct profile *profile = registry->profile;
	char build_id[2 * BUILD_ID_MAX + 1] = "";
	struct profile_mapping out = {
		.start = mapping->start,
		.limit = mapping->end,
		.offset = mapping->offset,
		.has_functions = true,
		.has_filenames = true,
		.has_line_numbers = true,
		.has_inline_frames = true,
	};
	struct place *place = vec_push(&registry->places);

	if (mapping->module)
		module_build_id_text(mapping->module, build_id);
	out.filename = profile_string(profile, mapping->path[0]
						       ? mapping->path
						       : "//anon");
	out.build_id = profile_string(profile, build_id);
	place->module = mapping->module;
	place->start = mapping->start;
	place->offset = mapping->offset;
	return profile_add_mapping(profile, &out);
}

static uint32_t mapping_in_profile(struct registry *registry,
				   struct subject *subject, uint32_t id)
{
	uint32_t *known;

	while (subject->mappings.n <= id)
		*(uint32_t *)vec_push(&subject->mappings) = NO_ID;
	known = vec_at(&subject->mappings, id);
	if (*known == NO_ID)
		*known = add_mapping(registry,
				     space_mapping(subject->space, id));
	return *known;
}

void subject_prepare(struct registry *registry, struct subject *subject,
		     pid_t tid)
{
	subject->tid = tid;
	if (subject->is_prepared)
		return;
	subject->is_prepared = true;
	space_refresh(subject->space);
	subject->fresh_ns = clock_now_ns();
	proc_read_comm(subject->pid, subject->pid, subject->process);
	for (uint32_t id = 0; id < space_n_mappings(subject->space); id++) {
		const struct mapping *mapping =
			space_mapping(subject->space, id);

		if (mapping->is_executable && mapping->module &&
		    mapping->module->is_elf) {
			subject->program = mapping_in_profile(registry,
							      subject, id);
			return;
		}
	}
}

void subject_keep_fresh(struct subject *subject)
{
	int64_t now = clock_now_ns();

	if (now - subject->fresh_ns < NS_PER_S)
		return;
	subject->fresh_ns = now;
	space_refresh(subject->space);
}

void subject_count_stack(struct registry *registry, struct subject *subject)
{
	if (++subject->n_stacks <= registry->most_stacks ||
	    subject->program == NO_ID)
		return;
	registry->most_stacks = subject->n_stacks;
	registry->profile->main_mapping = subject->program;
}

location_id subject_location(struct registry *registry,
			     struct subject *subject, uint32_t mapping_id,
			     taddr addr, bool is_guessed)
{
	/* User addresses have 47 bits; 16 more tell the mapping. */
	uint64_t key = addr ^ (uint64_t)(mapping_id + 1) << 47;
	bool has_key = mapping_id + 1 < 1u << 16 && addr >> 47 == 0;
	location_id location = has_key ? map_get(&subject->locations, key)
				       : NO_ID;
	uint32_t mapping = NO_ID;

	if (location != NO_ID)
		return location;
	if (mapping_id != NO_ID)
		mapping = mapping_in_profile(registry, subject, mapping_id);
	location = profile_location(registry->profile, mapping, addr,
				    is_guessed);
	if (has_key)
		map_put(&subject->locations, key, location);
	return location;
}
