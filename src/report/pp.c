/* SPDX-License-Identifier: MIT */
/* pp.c - the tables of a profile.proto. */
#include "report/pp.h"

#define ROWS_FIRST 1024

struct pp *pp_new(struct intern *strings)
{
	struct pp *pp = xcalloc(1, sizeof(*pp));

	pp->strings = strings;
	pp->types = VEC_OF(struct pp_type);
	pp->mappings = VEC_OF(struct pp_mapping);
	pp->functions = VEC_OF(struct pp_function);
	pp->lines = VEC_OF(struct pp_line);
	pp->locations = VEC_OF(struct pp_location);
	pp->stacks = VEC_OF(struct pp_stack);
	pp->label_sets = VEC_OF(struct pp_labels);
	pp->samples = VEC_OF(struct pp_sample);
	pp->comments = VEC_OF(string_id);
	pp->owns_values = true;
	intern_init(&pp->stack_index);
	intern_init(&pp->label_index);
	intern_string(strings, "");
	pp_labels(pp, NULL, 0);
	return pp;
}

struct pp *pp_copy(const struct pp *pp)
{
	struct pp *copy = xcalloc(1, sizeof(*copy));

	*copy = *pp;
	copy->types = vec_copy(&pp->types);
	copy->mappings = vec_copy(&pp->mappings);
	copy->functions = vec_copy(&pp->functions);
	copy->lines = vec_copy(&pp->lines);
	copy->locations = vec_copy(&pp->locations);
	copy->stacks = vec_copy(&pp->stacks);
	copy->label_sets = vec_copy(&pp->label_sets);
	copy->samples = vec_copy(&pp->samples);
	copy->comments = vec_copy(&pp->comments);
	copy->owns_values = false;
	intern_init(&copy->stack_index);
	intern_init(&copy->label_index);
	copy->arena = (struct arena){ 0 };
	return copy;
}

void pp_free(struct pp *pp)
{
	if (!pp)
		return;
	vec_clear(&pp->types);
	vec_clear(&pp->mappings);
	vec_clear(&pp->functions);
	vec_clear(&pp->lines);
	vec_clear(&pp->locations);
	vec_clear(&pp->stacks);
	vec_clear(&pp->label_sets);
	vec_clear(&pp->samples);
	vec_clear(&pp->comments);
	if (pp->owns_values)
		free(pp->values);
	intern_clear(&pp->stack_index);
	intern_clear(&pp->label_index);
	arena_clear(&pp->arena);
	free(pp);
}

string_id pp_string(struct pp *pp, const char *s)
{
	return intern_string(pp->strings, s);
}

uint32_t pp_stack(struct pp *pp, const uint32_t *frames, size_t n)
{
	uint32_t id = intern_bytes(&pp->stack_index,
				   n ? (const void *)frames : "",
				   n * sizeof(*frames));

	if (id == pp->stacks.n) {
		struct pp_stack *stack = vec_push(&pp->stacks);

		stack->frames = intern_get(&pp->stack_index, id)->bytes;
		stack->n = (uint32_t)n;
	}
	return id;
}

/* Does @a stand after @b? Equal keys stay in the order they came in. */
static bool label_is_after(const struct pp *pp, const struct pp_label *a,
			   const struct pp_label *b)
{
	uint32_t kind_a = a->flags & PP_LABEL_IS_NUMBER;
	uint32_t kind_b = b->flags & PP_LABEL_IS_NUMBER;

	if (kind_a != kind_b)
		return kind_a > kind_b;
	return a->key != b->key &&
	       strcmp(pp_text(pp, a->key), pp_text(pp, b->key)) > 0;
}

static void labels_merge(const struct pp *pp, struct pp_label *labels,
			 size_t n, struct pp_label *scratch)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	labels_merge(pp, labels, half, scratch);
	labels_merge(pp, labels + half, n - half, scratch);
	while (i < half || j < n) {
		bool takes_right = i == half ||
				   (j < n && label_is_after(pp, &labels[i],
							    &labels[j]));

		scratch[k++] = takes_right ? labels[j++] : labels[i++];
	}
	memcpy(labels, scratch, n * sizeof(*labels));
}

/* A key's numbers all have units if one of them has. */
static void labels_spread_units(struct pp_label *labels, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t end = i;
		uint32_t flags = 0;

		while (end < n && labels[end].key == labels[i].key &&
		       !((labels[end].flags ^ labels[i].flags) &
			 PP_LABEL_IS_NUMBER))
			flags |= labels[end++].flags;
		for (; i < end; i++)
			labels[i].flags = flags;
	}
}

uint32_t pp_labels(struct pp *pp, const struct pp_label *labels, size_t n)
{
	CLEANUP(free) struct pp_label *sorted = xcalloc(2 * n, sizeof(*sorted));
	uint32_t id;

	if (n)
		memcpy(sorted, labels, n * sizeof(*labels));
	labels_merge(pp, sorted, n, sorted + n);
	labels_spread_units(sorted, n);
	id = intern_bytes(&pp->label_index, sorted, n * sizeof(*sorted));
	if (id == pp->label_sets.n) {
		struct pp_labels *set = vec_push(&pp->label_sets);

		set->labels = intern_get(&pp->label_index, id)->bytes;
		set->n = (uint32_t)n;
	}
	return id;
}

int64_t *pp_sample(struct pp *pp, uint32_t stack, uint32_t labels)
{
	size_t n = pp->samples.n;
	struct pp_sample *sample = vec_push(&pp->samples);

	assert(pp->owns_values && pp->n_rows == n);
	/* Rows grow with the powers of two that n passes. */
	if (n >= ROWS_FIRST ? !(n & (n - 1)) : !n)
		pp->values = xreallocarray(pp->values,
					   n ? 2 * n : ROWS_FIRST,
					   pp->types.n * sizeof(*pp->values));
	sample->stack = stack;
	sample->labels = labels;
	sample->row = (uint32_t)pp->n_rows++;
	return pp_values(pp, sample);
}

void pp_own_values(struct pp *pp)
{
	size_t n = pp->n_rows * pp->types.n;
	int64_t *values;

	if (pp->owns_values)
		return;
	values = xcalloc(n, sizeof(*values));
	if (n)
		memcpy(values, pp->values, n * sizeof(*values));
	pp->values = values;
	pp->owns_values = true;
}

void pp_keep_stacks(struct pp *pp, const bool *is_kept)
{
	struct pp_sample *samples = pp->samples.data;
	size_t n = 0;

	for (size_t i = 0; i < pp->samples.n; i++)
		if (is_kept[samples[i].stack])
			samples[n++] = samples[i];
	pp->samples.n = n;
}

void pp_number_functions(struct pp *pp)
{
	for (size_t i = 0; i < pp->functions.n; i++)
		((struct pp_function *)vec_at(&pp->functions, i))->id = i + 1;
}

bool *pp_find_base_sets(const struct pp *pp)
{
	bool *is_base = xcalloc(pp->label_sets.n, sizeof(*is_base));

	for (size_t i = 0; i < pp->label_sets.n; i++) {
		const struct pp_labels *set = vec_at(&pp->label_sets, i);

		for (uint32_t j = 0; j < set->n; j++)
			is_base[i] |= !strcmp(pp_text(pp, set->labels[j].key),
					      "pprof::base") &&
				      !strcmp(pp_text(pp, set->labels[j].str),
					      "true");
	}
	return is_base;
}
