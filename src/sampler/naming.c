/* SPDX-License-Identifier: MIT */
/* naming.c - the last steps before a profile is shown: names and labels. */
#include "sampler/naming.h"

#include "profile/names.h"
#include "sampler/labels.h"
#include "sampler/options.h"
#include "util/clock.h"
#include "util/log.h"

#define JIT_PREFIX "[JIT] tid "
#define LINES_MAX 256 /* an inline chain longer than this is cut */

static void set_pseudo_line(struct profile *profile, location_id location,
			    const char *name)
{
	struct profile_function function = {
		.name = profile_string(profile, name),
		.system_name = profile_string(profile, name),
	};
	struct profile_line line = {
		.function = profile_function(profile, &function),
	};

	profile_set_lines(profile, location, &line, 1);
}

static void set_lines(struct profile *profile, location_id location,
		      const struct symbol_frame *frames, size_t n)
{
	struct profile_line lines[LINES_MAX];

	if (n > LINES_MAX) { /* keep the physical function at the end */
		frames += n - LINES_MAX;
		n = LINES_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		struct profile_function function = {
			.name = profile_string(profile, frames[i].name),
			.system_name = profile_string(
				profile, frames[i].system_name),
			.filename = profile_string(profile, frames[i].file),
			.start_line = frames[i].start_line,
		};

		lines[i].function = profile_function(profile, &function);
		lines[i].line = frames[i].line;
	}
	profile_set_lines(profile, location, lines, n);
}

/*
 * Memory without a file: code made at run time, or nothing at all; or a file
 * that is no program, or cannot be opened: "[libfoo.so.1]", as in pprof.
 */
static void set_memory_line(struct profile *profile, location_id id)
{
	const struct profile_location *location =
		vec_at(&profile->locations, id);
	const struct profile_mapping *mapping;
	CLEANUP(free) char *name = NULL;
	const char *path;

	if (location->mapping == NO_ID) {
		set_pseudo_line(profile, id, "[unmapped]");
		return;
	}
	mapping = vec_at(&profile->mappings, location->mapping);
	path = profile_string_text(profile, mapping->filename);
	if (path[0] == '[' && strncmp(path, JIT_PREFIX, strlen(JIT_PREFIX)))
		name = xstrdup(path);
	else if (path[0] == '/' && path[1] != '/')
		name = xasprintf("[%s]", path_base(path));
	else
		name = xstrdup("[anon]");
	set_pseudo_line(profile, id, name);
}

/* In perf's words; pprof looks for no file of such a name. */
static void set_jit_mapping(struct profile *profile,
			    const struct profile_location *location,
			    const struct jit *jit)
{
	struct profile_mapping *mapping =
		vec_at(&profile->mappings, location->mapping);
	CLEANUP(free) char *name = xasprintf(JIT_PREFIX "%d",
					       (int)jit->pid);

	mapping->filename = profile_string(profile, name);
}

static bool is_agent(const struct registry *registry, taddr addr)
{
	return registry->agent_at &&
	       addr - registry->agent_at < SAMPLER_AGENT_BYTES;
}

enum place_kind naming_find_place(const struct registry *registry,
				  location_id id, struct naming_place *out)
{
	const struct profile_location *location =
		vec_at(&registry->profile->locations, id);
	const struct place *place;

	*out = (struct naming_place){ 0 };
	if (location->mapping == NO_ID)
		return PLACE_OTHER;
	place = vec_at(&registry->places, location->mapping);
	if (place->jit) {
		out->made_name =
			is_agent(registry, location->address)
				? "[psample's agent]"
				: jit_find(place->jit, location->address);
		return PLACE_MADE;
	}
	out->module = place->module;
	if (!out->module)
		return PLACE_OTHER;
	return module_vaddr_of_offset(place->module,
				      location->address - place->start +
					      place->offset,
				      &out->vaddr)
		       ? PLACE_MODULE
		       : PLACE_FILE;
}

/* Code that was made at run time, by the list of its maker. */
static void name_made_code(struct registry *registry, location_id id,
			   const char *name)
{
	struct profile *profile = registry->profile;
	const struct profile_location *location =
		vec_at(&profile->locations, id);
	const struct place *place =
		vec_at(&registry->places, location->mapping);
	struct symbol_frame frame = {
		.name = name,
		.system_name = name,
		.file = "",
	};
	CLEANUP(free) char *file = perf_map_source(name, &frame.start_line);

	set_jit_mapping(profile, location, place->jit);
	if (file)
		frame.file = file;
	set_lines(profile, id, &frame, 1);
}

static void name_location(struct registry *registry,
			  struct symbolizer *symbolizer, location_id id)
{
	struct profile *profile = registry->profile;
	const struct symbol_frame *frames;
	enum symbol_source source;
	struct naming_place at;
	size_t n;

	switch (naming_find_place(registry, id, &at)) {
	case PLACE_MODULE:
		frames = symbolizer_find(symbolizer, at.module, at.vaddr, &n,
					 &source);
		set_lines(profile, id, frames, n);
		return;
	case PLACE_MADE:
		if (at.made_name) {
			name_made_code(registry, id, at.made_name);
			return;
		}
		break;
	case PLACE_FILE:
	case PLACE_OTHER:
		break;
	}
	set_memory_line(profile, id);
}

/* All that are to be named, so that one child reads for all of them. */
static void find_ahead(const struct registry *registry,
		       struct symbolizer *symbolizer)
{
	const struct profile *profile = registry->profile;
	struct vec places = VEC_OF(struct symbol_place);

	for (location_id id = 0; id < profile->locations.n; id++) {
		const struct profile_location *location =
			vec_at(&profile->locations, id);
		struct naming_place at;

		if (!location->n_lines &&
		    naming_find_place(registry, id, &at) == PLACE_MODULE)
			*(struct symbol_place *)vec_push(&places) =
				(struct symbol_place){ at.module, at.vaddr };
	}
	symbolizer_find_ahead(symbolizer, places.data, places.n);
	vec_clear(&places);
}

void naming_symbolize(struct registry *registry,
		      struct symbolizer *symbolizer)
{
	struct profile *profile = registry->profile;
	int64_t start_ns = clock_now_ns(), shown_ns = start_ns;

	for (size_t i = 0; i < registry->jits.n; i++)
		jit_refresh(*(struct jit **)vec_at(&registry->jits, i));
	find_ahead(registry, symbolizer);
	for (location_id id = 0; id < profile->locations.n; id++) {
		const struct profile_location *location =
			vec_at(&profile->locations, id);
		int64_t now;

		if (location->n_lines)
			continue;
		name_location(registry, symbolizer, id);
		now = clock_now_ns();
		if (now - start_ns > NS_PER_S &&
		    now - shown_ns > NS_PER_S / 4) {
			shown_ns = now;
			log_progress("naming %u of %zu addresses", id + 1,
				     profile->locations.n);
		}
	}
	log_progress(NULL);
}

void naming_drop_process_labels(struct profile *profile)
{
	string_id pid = profile_string(profile, LABEL_PID);
	string_id process = profile_string(profile, LABEL_PROCESS);

	for (size_t i = 0; i < profile->samples.n; i++) {
		struct profile_sample *sample = vec_at(&profile->samples, i);
		struct profile_label kept[LABELS_MAX + 4];
		const struct profile_label *labels;
		size_t n, n_kept = 0;

		labels = profile_label_set(profile, sample->labels, &n);
		for (size_t j = 0; j < n && n_kept < ARRAY_SIZE(kept); j++)
			if (labels[j].key != pid && labels[j].key != process)
				kept[n_kept++] = labels[j];
		sample->labels = profile_labels(profile, kept, n_kept);
	}
}
