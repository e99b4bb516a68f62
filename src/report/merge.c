/* SPDX-License-Identifier: MIT */
/*
 * merge.c - several profiles into a new one.
 *
 * Ids are given in the order in which samples need things, only the main
 * mapping goes first, as pprof does: the report "raw" shows them.
 */
#include "report/merge.h"

#include "report/scale.h"
#include "report/wrap.h"

struct mapping_key {
	uint64_t size, offset;
	string_id name; /* build id, or file */
	uint32_t zero;
};

struct function_key {
	int64_t start_line;
	string_id name, system_name, file;
	uint32_t zero;
};

struct sample_key {
	uint32_t stack, labels;
};

struct merger {
	struct pp *to;
	struct intern mappings, functions, locations, samples; /* by key */
	/* Of the profile at hand: index -> index in the new one. */
	const struct pp *from;
	uint32_t *mapping_of, *function_of, *location_of, *stack_of,
		*labels_of;
};

static uint32_t *new_index_table(size_t n)
{
	uint32_t *table = xreallocarray(NULL, n, sizeof(*table));

	memset(table, 0xff, n * sizeof(*table));
	return table;
}

/* The size is rounded up to pages, since some tell it less exactly. */
static uint32_t merge_mapping(struct merger *merger, uint32_t index)
{
	const struct pp_mapping *old;
	struct pp_mapping *mapping;
	struct mapping_key key = { 0 };
	uint32_t id;

	if (index == NO_ID || merger->mapping_of[index] != NO_ID)
		return index == NO_ID ? NO_ID : merger->mapping_of[index];
	old = vec_at(&merger->from->mappings, index);
	key.size = (old->limit - old->start + 0xfff) & ~(uint64_t)0xfff;
	key.offset = old->offset;
	key.name = old->build_id ? old->build_id : old->file;
	id = intern_bytes(&merger->mappings, &key, sizeof(key));
	if (id == merger->to->mappings.n) {
		mapping = vec_push(&merger->to->mappings);
		*mapping = *old;
		mapping->id = id + 1;
	}
	merger->mapping_of[index] = id;
	return id;
}

static uint32_t merge_function(struct merger *merger, uint32_t index)
{
	const struct pp_function *old =
		vec_at(&merger->from->functions, index);
	struct function_key key = { old->start_line, old->name,
				    old->system_name, old->filename, 0 };
	struct pp_function *function;
	uint32_t id;

	if (merger->function_of[index] != NO_ID)
		return merger->function_of[index];
	id = intern_bytes(&merger->functions, &key, sizeof(key));
	if (id == merger->to->functions.n) {
		function = vec_push(&merger->to->functions);
		*function = *old;
		function->id = id + 1;
	}
	merger->function_of[index] = id;
	return id;
}

static const uint64_t *location_key(const struct pp_location *location,
				    const struct pp_mapping *mapping,
				    const struct pp_line *lines,
				    uint64_t *key)
{
	uint64_t *at = key;

	*at++ = location->address - (mapping ? mapping->start : 0);
	*at++ = (uint64_t)location->mapping << 1 | location->is_folded;
	for (uint32_t i = 0; i < location->n_lines; i++) {
		*at++ = lines[i].function;
		*at++ = (uint64_t)lines[i].line;
		*at++ = (uint64_t)lines[i].column;
	}
	return at;
}

static void make_location(struct merger *merger, uint32_t index,
			  struct pp_location *location, struct pp_line *lines)
{
	const struct pp *from = merger->from;
	const struct pp_mapping *old_mapping, *mapping;

	*location = *(const struct pp_location *)vec_at(&from->locations,
							index);
	if (location->mapping != NO_ID) {
		old_mapping = vec_at(&from->mappings, location->mapping);
		location->mapping = merge_mapping(merger, location->mapping);
		mapping = vec_at(&merger->to->mappings, location->mapping);
		location->address += mapping->start - old_mapping->start;
	}
	for (uint32_t i = 0; i < location->n_lines; i++) {
		lines[i] = *(const struct pp_line *)vec_at(
			&from->lines, location->first_line + i);
		lines[i].function = merge_function(merger, lines[i].function);
	}
}

static uint32_t merge_location(struct merger *merger, uint32_t index)
{
	const struct pp_location *old =
		vec_at(&merger->from->locations, index);
	struct pp *to = merger->to;
	struct pp_location location;
	const struct pp_mapping *mapping = NULL;
	uint32_t id = merger->location_of[index];

	if (id != NO_ID)
		return id;

	CLEANUP(free) struct pp_line *lines =
		xcalloc(old->n_lines, sizeof(*lines));
	CLEANUP(free) uint64_t *key =
		xcalloc(2 + 3 * (size_t)old->n_lines, sizeof(*key));

	make_location(merger, index, &location, lines);
	if (location.mapping != NO_ID)
		mapping = vec_at(&to->mappings, location.mapping);
	id = intern_bytes(&merger->locations, key,
			  (size_t)(location_key(&location, mapping, lines,
						key) - key) * sizeof(*key));
	merger->location_of[index] = id;
	if (id < to->locations.n)
		return id;
	location.id = id + 1;
	location.first_line = (uint32_t)to->lines.n;
	for (uint32_t i = 0; i < location.n_lines; i++)
		*(struct pp_line *)vec_push(&to->lines) = lines[i];
	*(struct pp_location *)vec_push(&to->locations) = location;
	return id;
}

static uint32_t merge_stack(struct merger *merger, uint32_t index)
{
	const struct pp_stack *old = vec_at(&merger->from->stacks, index);
	CLEANUP(free) uint32_t *frames = NULL;

	if (merger->stack_of[index] != NO_ID)
		return merger->stack_of[index];
	frames = xcalloc(old->n, sizeof(*frames));
	for (uint32_t i = 0; i < old->n; i++)
		frames[i] = merge_location(merger, old->frames[i]);
	merger->stack_of[index] = pp_stack(merger->to, frames, old->n);
	return merger->stack_of[index];
}

static uint32_t merge_labels(struct merger *merger, uint32_t index)
{
	const struct pp_labels *old = vec_at(&merger->from->label_sets, index);

	if (merger->labels_of[index] == NO_ID)
		merger->labels_of[index] =
			pp_labels(merger->to, old->labels, old->n);
	return merger->labels_of[index];
}

static bool is_zero_row(const int64_t *values, size_t n)
{
	while (n && !values[n - 1])
		n--;
	return !n;
}

static void merge_samples(struct merger *merger)
{
	const struct pp *from = merger->from;
	struct pp *to = merger->to;

	for (size_t i = 0; i < from->samples.n; i++) {
		const struct pp_sample *old = vec_at(&from->samples, i);
		const int64_t *values = pp_values(from, old);
		struct sample_key key;
		int64_t *row;
		uint32_t id;

		if (is_zero_row(values, from->types.n))
			continue;
		key.stack = merge_stack(merger, old->stack);
		key.labels = merge_labels(merger, old->labels);
		id = intern_bytes(&merger->samples, &key, sizeof(key));
		if (id == to->samples.n) {
			memcpy(pp_sample(to, key.stack, key.labels), values,
			       from->types.n * sizeof(*values));
			continue;
		}
		row = to->values + (size_t)id * to->types.n;
		for (size_t t = 0; t < from->types.n; t++)
			row[t] = wrap_add(row[t], values[t]);
	}
}

static void merge_profile(struct merger *merger, const struct pp *from)
{
	merger->from = from;
	merger->mapping_of = new_index_table(from->mappings.n);
	merger->function_of = new_index_table(from->functions.n);
	merger->location_of = new_index_table(from->locations.n);
	merger->stack_of = new_index_table(from->stacks.n);
	merger->labels_of = new_index_table(from->label_sets.n);
	if (!merger->to->mappings.n && from->mappings.n)
		merge_mapping(merger, 0);
	merge_samples(merger);
	free(merger->mapping_of);
	free(merger->function_of);
	free(merger->location_of);
	free(merger->stack_of);
	free(merger->labels_of);
}

static void add_comments(struct pp *to, const struct pp *from)
{
	for (size_t i = 0; i < from->comments.n; i++) {
		string_id comment = *(string_id *)vec_at(&from->comments, i);
		bool is_known = false;

		for (size_t j = 0; j < to->comments.n && !is_known; j++)
			is_known = *(string_id *)vec_at(&to->comments, j) ==
				   comment;
		if (!is_known)
			*(string_id *)vec_push(&to->comments) = comment;
	}
}

static struct pp *merge_headers(struct pp **profiles, size_t n)
{
	const struct pp *first = profiles[0];
	struct pp *to = pp_new(first->strings);

	for (size_t t = 0; t < first->types.n; t++)
		*(struct pp_type *)vec_push(&to->types) =
			*(struct pp_type *)vec_at(&first->types, t);
	to->drop_frames = first->drop_frames;
	to->keep_frames = first->keep_frames;
	to->period_type = first->period_type;
	for (size_t i = 0; i < n; i++) {
		const struct pp *pp = profiles[i];

		if (!to->time_ns || pp->time_ns < to->time_ns)
			to->time_ns = pp->time_ns;
		to->duration_ns = wrap_add(to->duration_ns, pp->duration_ns);
		if (!to->period || to->period < pp->period)
			to->period = pp->period;
		if (!to->default_type)
			to->default_type = pp->default_type;
		if (!to->doc_url)
			to->doc_url = pp->doc_url;
		add_comments(to, pp);
	}
	return to;
}

static bool has_zero_rows(const struct pp *pp)
{
	for (size_t i = 0; i < pp->samples.n; i++)
		if (is_zero_row(pp_values(pp, vec_at(&pp->samples, i)),
				pp->types.n))
			return true;
	return false;
}

static struct pp *merge(struct pp **profiles, size_t n)
{
	struct merger merger = { .to = merge_headers(profiles, n) };

	intern_init(&merger.mappings);
	intern_init(&merger.functions);
	intern_init(&merger.locations);
	intern_init(&merger.samples);
	for (size_t i = 0; i < n; i++)
		merge_profile(&merger, profiles[i]);
	intern_clear(&merger.mappings);
	intern_clear(&merger.functions);
	intern_clear(&merger.locations);
	intern_clear(&merger.samples);
	/* What cancelled out goes, with all that only it referred to. */
	if (has_zero_rows(merger.to)) {
		struct pp *again = merge(&merger.to, 1);

		pp_free(merger.to);
		return again;
	}
	return merger.to;
}

struct error *pp_check_compatible(const struct pp *a, const struct pp *b)
{
	bool is_same = a->types.n == b->types.n;

	if (a->period_type.type != b->period_type.type ||
	    a->period_type.unit != b->period_type.unit)
		return error_new("incompatible period types %s/%s and %s/%s",
				 pp_text(a, a->period_type.type),
				 pp_text(a, a->period_type.unit),
				 pp_text(b, b->period_type.type),
				 pp_text(b, b->period_type.unit));
	for (size_t t = 0; t < a->types.n && is_same; t++)
		is_same = !memcmp(vec_at(&a->types, t), vec_at(&b->types, t),
				  sizeof(struct pp_type));
	return is_same ? NULL : error_new("incompatible sample types");
}

struct error *pp_combine(struct pp **profiles, size_t n, struct pp **out)
{
	struct error *error = pp_share_types(profiles, n);

	*out = profiles[0];
	if (error || n == 1)
		return error;
	error = pp_share_units(profiles, n);
	for (size_t i = 1; i < n && !error; i++)
		error = pp_check_compatible(profiles[0], profiles[i]);
	if (!error)
		*out = merge(profiles, n);
	return error;
}
