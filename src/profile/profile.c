/* SPDX-License-Identifier: MIT */
/*
 * profile.c - make and fill the tables of a profile.
 *
 * Everything that may come twice is interned under a key without padding
 * bytes, so ids depend only on the order of the calls.
 */
#include "profile/profile.h"

#include "profile/text.h"

struct function_key {
	string_id name, system_name, filename, zero;
	int64_t start_line;
};

struct location_key {
	uint32_t mapping;
	uint32_t function; /* of a pseudo location, else NO_ID */
	uint64_t address;
};

struct profile *profile_new(void)
{
	struct profile *profile = xcalloc(1, sizeof(*profile));

	profile->comments = VEC_OF(string_id);
	profile->mappings = VEC_OF(struct profile_mapping);
	profile->locations = VEC_OF(struct profile_location);
	profile->functions = VEC_OF(struct profile_function);
	profile->lines = VEC_OF(struct profile_line);
	profile->samples = VEC_OF(struct profile_sample);
	intern_init(&profile->strings);
	stack_tree_init(&profile->stacks);
	keyset_init(&profile->sample_index);
	intern_init(&profile->label_sets);
	intern_init(&profile->function_index);
	intern_init(&profile->location_index);
	intern_string(&profile->strings, "");
	profile_labels(profile, NULL, 0); /* so that 0 means none */
	return profile;
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	vec_clear(&profile->comments);
	vec_clear(&profile->mappings);
	vec_clear(&profile->locations);
	vec_clear(&profile->functions);
	vec_clear(&profile->lines);
	vec_clear(&profile->samples);
	intern_clear(&profile->strings);
	stack_tree_clear(&profile->stacks);
	intern_clear(&profile->label_sets);
	intern_clear(&profile->function_index);
	intern_clear(&profile->location_index);
	keyset_clear(&profile->sample_index);
	free(profile);
}

string_id profile_string(struct profile *profile, const char *s)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	if (utf8_is_valid(s))
		return intern_string(&profile->strings, s);
	utf8_add_repaired(&text, s);
	return intern_bytes(&profile->strings, text.data, text.len);
}

const char *profile_string_text(const struct profile *profile, string_id id)
{
	return intern_get(&profile->strings, id)->bytes;
}

/* Pyroscope refuses '-' in the name of a sample type. */
static string_id profile_type_name(struct profile *profile, const char *name)
{
	CLEANUP(free) char *copy = xstrdup(name);

	for (char *p = copy; *p; p++)
		if (*p == '-')
			*p = '_';
	return profile_string(profile, copy);
}

void profile_add_type(struct profile *profile, const char *type,
		      const char *unit)
{
	struct value_type *t;

	assert(profile->n_types < PROFILE_MAX_TYPES);
	t = &profile->types[profile->n_types++];
	t->type = profile_type_name(profile, type);
	t->unit = profile_type_name(profile, unit);
}

void profile_add_comment(struct profile *profile, const char *text)
{
	string_id id = profile_string(profile, text);

	*(string_id *)vec_push(&profile->comments) = id;
}

uint32_t profile_add_mapping(struct profile *profile,
			     const struct profile_mapping *mapping)
{
	uint32_t id = (uint32_t)profile->mappings.n;

	*(struct profile_mapping *)vec_push(&profile->mappings) = *mapping;
	return id;
}

static location_id profile_location_of(struct profile *profile,
				       const struct location_key *key)
{
	location_id id = intern_bytes(&profile->location_index, key,
				      sizeof(*key));
	struct profile_location *location;

	if (id < profile->locations.n)
		return id;
	location = vec_push(&profile->locations);
	location->mapping = key->mapping;
	location->address = key->address;
	location->is_guessed = true;
	return id;
}

location_id profile_location(struct profile *profile, uint32_t mapping,
			     uint64_t address, bool is_guessed)
{
	struct location_key key = { mapping, NO_ID, address };
	location_id id = profile_location_of(profile, &key);
	struct profile_location *location = vec_at(&profile->locations, id);

	/* One walk that got here by a rule is enough to believe it. */
	location->is_guessed &= is_guessed;
	return id;
}

location_id profile_pseudo_location(struct profile *profile, const char *name)
{
	string_id text = profile_string(profile, name);
	struct profile_function function = { .name = text,
					     .system_name = text };
	struct profile_line line = { profile_function(profile, &function), 0 };
	struct location_key key = { NO_ID, line.function, 0 };
	location_id id = profile_location_of(profile, &key);
	struct profile_location *location = vec_at(&profile->locations, id);

	location->is_guessed = false;
	if (!location->n_lines)
		profile_set_lines(profile, id, &line, 1);
	return id;
}

uint32_t profile_function(struct profile *profile,
			  const struct profile_function *function)
{
	struct function_key key = {
		.name = function->name,
		.system_name = function->system_name,
		.filename = function->filename,
		.start_line = function->start_line,
	};
	uint32_t id = intern_bytes(&profile->function_index, &key,
				   sizeof(key));

	if (id == profile->functions.n)
		*(struct profile_function *)vec_push(&profile->functions) =
			*function;
	return id;
}

void profile_set_lines(struct profile *profile, location_id location,
		       const struct profile_line *lines, size_t n)
{
	struct profile_location *l = vec_at(&profile->locations, location);

	assert(!l->n_lines);
	l->first_line = (uint32_t)profile->lines.n;
	l->n_lines = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		*(struct profile_line *)vec_push(&profile->lines) = lines[i];
}

stack_id profile_stack(struct profile *profile, const location_id *locations,
		       size_t n)
{
	return stack_tree_add(&profile->stacks, locations, n);
}

static int label_compare(const void *a, const void *b)
{
	const struct profile_label *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->str != y->str)
		return x->str < y->str ? -1 : 1;
	return (x->num > y->num) - (x->num < y->num);
}

uint32_t profile_labels(struct profile *profile,
			const struct profile_label *labels, size_t n)
{
	CLEANUP(free) struct profile_label *sorted =
		xcalloc(n, sizeof(*sorted));

	/* Field by field: the padding of a copy must be zero to be a key. */
	for (size_t i = 0; i < n; i++) {
		sorted[i].key = labels[i].key;
		sorted[i].str = labels[i].str;
		sorted[i].num = labels[i].num;
		sorted[i].num_unit = labels[i].num_unit;
	}
	qsort(sorted, n, sizeof(*sorted), label_compare);
	return intern_bytes(&profile->label_sets, sorted,
			    n * sizeof(*sorted));
}

const struct profile_label *profile_label_set(const struct profile *profile,
					      uint32_t id, size_t *out_n)
{
	const struct intern_entry *e = intern_get(&profile->label_sets, id);

	*out_n = e->len / sizeof(struct profile_label);
	return e->bytes;
}

void profile_add_sample(struct profile *profile, stack_id stack,
			uint32_t labels, const int64_t *values)
{
	uint32_t id = keyset_add(&profile->sample_index,
				 (uint64_t)stack << 32 | labels);
	struct profile_sample *sample;

	if (id == profile->samples.n) {
		sample = vec_push(&profile->samples);
		sample->stack = stack;
		sample->labels = labels;
	}
	sample = vec_at(&profile->samples, id);
	for (size_t i = 0; i < profile->n_types; i++)
		if (__builtin_add_overflow(sample->values[i], values[i],
					   &sample->values[i]))
			sample->values[i] = values[i] < 0 ? INT64_MIN :
							    INT64_MAX;
}

void profile_drop_samples(struct profile *profile)
{
	profile->samples.n = 0;
	keyset_reset(&profile->sample_index);
}

void profile_seal(struct profile *profile)
{
	stack_tree_seal(&profile->stacks);
	keyset_seal(&profile->sample_index);
}
