/* SPDX-License-Identifier: MIT */
/*
 * tagroot.c - frames made of labels, at the root or the leaf of stacks.
 *
 * A frame's function has the label's values for a name and the key for a
 * file. A sample without the label gets one without a name, as in pprof.
 */
#include "report/tags.h"

#include "profile/unit.h"
#include "util/strbuf.h"

struct label_frames {
	struct pp *pp;
	struct vec roots, leaves; /* string_id of keys, in the user's order */
	const char *unit;
	struct map locations; /* name << 32 | key -> location */
	uint64_t next_location, next_function;
	struct tag_matches found;
};

static void split_keys(struct pp *pp, const char *text, struct vec *out)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		CLEANUP(free) char *key = xstrndup(text, n);

		if (n)
			*(string_id *)vec_push(out) = pp_string(pp, key);
		text += n + (text[n] == ',');
	}
}

/* All values of @key with commas between them; were there any? */
static bool label_values(const struct label_frames *frames,
			 const struct pp_labels *set, string_id key,
			 struct strbuf *out)
{
	bool is_first = true;

	for (uint32_t i = 0; i < set->n; i++) {
		const struct pp_label *label = &set->labels[i];
		const char *unit = pp_text(frames->pp, label->unit);

		if (label->key != key)
			continue;
		strbuf_adds(out, is_first ? "" : ",");
		is_first = false;
		if (!(label->flags & PP_LABEL_IS_NUMBER))
			strbuf_adds(out, pp_text(frames->pp, label->str));
		else if (label->flags & PP_LABEL_HAS_UNITS)
			unit_add_value(out, label->num, unit, frames->unit);
		else
			unit_add_value(out, label->num, "", "");
	}
	return !is_first;
}

static uint32_t label_location(struct label_frames *frames, string_id name,
			       string_id key)
{
	struct pp *pp = frames->pp;
	uint64_t both = (uint64_t)name << 32 | key;
	uint32_t index = map_get(&frames->locations, both);
	struct pp_function *function;
	struct pp_location *location;
	struct pp_line *line;

	if (index != NO_ID)
		return index;
	index = (uint32_t)pp->locations.n;
	map_put(&frames->locations, both, index);
	line = vec_push(&pp->lines);
	line->function = (uint32_t)pp->functions.n;
	function = vec_push(&pp->functions);
	function->id = frames->next_function++;
	function->name = name;
	function->filename = key;
	location = vec_push(&pp->locations);
	location->id = frames->next_location++;
	location->mapping = NO_ID;
	location->first_line = (uint32_t)pp->lines.n - 1;
	location->n_lines = 1;
	return index;
}

/* The last key first: it is the nearest to the leaf. */
static bool add_frames(struct label_frames *frames,
		       const struct pp_labels *set, const struct vec *keys,
		       uint32_t *out)
{
	bool is_found = false;

	for (size_t i = keys->n; i; i--) {
		CLEANUP(strbuf_clear) struct strbuf name = { 0 };
		string_id key = *(string_id *)vec_at(keys, i - 1);

		is_found |= label_values(frames, set, key, &name);
		*out++ = label_location(
			frames,
			pp_string(frames->pp, name.data ? name.data : ""),
			key);
	}
	return is_found;
}

static uint32_t extend_stack(struct label_frames *frames,
			     const struct pp_sample *sample)
{
	struct pp *pp = frames->pp;
	struct pp_stack old = *(struct pp_stack *)vec_at(&pp->stacks,
							 sample->stack);
	const struct pp_labels *set =
		vec_at(&pp->label_sets, sample->labels);
	size_t n = frames->leaves.n + old.n + frames->roots.n;
	uint32_t *all = arena_alloc(&pp->arena, n * sizeof(*all));
	struct pp_stack *stack;

	/* Roots are made first: ids show in the report "raw". */
	frames->found.focus |= add_frames(frames, set, &frames->roots,
					  all + frames->leaves.n + old.n);
	frames->found.ignore |= add_frames(frames, set, &frames->leaves, all);
	if (old.n)
		memcpy(all + frames->leaves.n, old.frames,
		       old.n * sizeof(*all));
	stack = vec_push(&pp->stacks);
	stack->frames = all;
	stack->n = (uint32_t)n;
	return (uint32_t)pp->stacks.n - 1;
}

static void find_next_ids(struct label_frames *frames)
{
	const struct pp *pp = frames->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);

		if (l->id >= frames->next_location)
			frames->next_location = l->id + 1;
	}
	for (size_t i = 0; i < pp->functions.n; i++) {
		const struct pp_function *f = vec_at(&pp->functions, i);

		if (f->id >= frames->next_function)
			frames->next_function = f->id + 1;
	}
}

struct tag_matches pp_add_label_frames(struct pp *pp, const char *roots,
				       const char *leaves, const char *unit)
{
	struct label_frames frames = {
		.pp = pp, .unit = unit, .roots = VEC_OF(string_id),
		.leaves = VEC_OF(string_id), .next_location = 1,
		.next_function = 1,
	};
	struct map extended = { 0 };

	split_keys(pp, roots, &frames.roots);
	split_keys(pp, leaves, &frames.leaves);
	find_next_ids(&frames);
	for (size_t i = 0; frames.roots.n + frames.leaves.n &&
			   i < pp->samples.n; i++) {
		struct pp_sample *sample = vec_at(&pp->samples, i);
		uint64_t key = (uint64_t)sample->stack << 32 | sample->labels;
		uint32_t stack = map_get(&extended, key);

		if (stack == NO_ID) {
			stack = extend_stack(&frames, sample);
			map_put(&extended, key, stack);
		}
		sample->stack = stack;
	}
	vec_clear(&frames.roots);
	vec_clear(&frames.leaves);
	map_clear(&frames.locations);
	map_clear(&extended);
	return frames.found;
}
