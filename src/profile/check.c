/* SPDX-License-Identifier: MIT */
/* check.c - profile_check(): do the tables of a profile fit together? */
#include "profile/profile.h"

#include "profile/text.h"

static bool has_strings(const struct profile *profile, const string_id *ids,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= profile->strings.entries.n)
			return false;
	return true;
}

static struct error *check_strings(const struct profile *profile)
{
	const struct intern *strings = &profile->strings;

	if (!strings->entries.n || intern_get(strings, 0)->len)
		return error_new("string 0 is not empty");
	for (uint32_t i = 0; i < strings->entries.n; i++) {
		const struct intern_entry *e = intern_get(strings, i);

		if (strlen(e->bytes) != e->len || !utf8_is_valid(e->bytes))
			return error_new("string %u is not UTF-8 text", i);
	}
	return NULL;
}

static struct error *check_types(const struct profile *profile)
{
	bool has_default = !profile->default_type;

	if (profile->n_types > PROFILE_MAX_TYPES)
		return error_new("%zu sample types", profile->n_types);
	if (profile->samples.n && !profile->n_types)
		return error_new("samples, but no sample type");
	for (size_t i = 0; i < profile->n_types; i++) {
		const struct value_type *t = &profile->types[i];

		if (!has_strings(profile, (string_id[]){ t->type, t->unit },
				 2) || !t->type)
			return error_new("sample type %zu has no name", i);
		if (strchr(profile_string_text(profile, t->type), '-'))
			return error_new("sample type %zu has a '-'", i);
		has_default |= t->type == profile->default_type;
	}
	if (!has_default)
		return error_new("the default sample type is none of them");
	return NULL;
}

static struct error *check_header(const struct profile *profile)
{
	const struct value_type *t = &profile->period_type;

	if (!has_strings(profile, (string_id[]){ t->type, t->unit }, 2))
		return error_new("the period type has no name");
	if (profile->period < 0)
		return error_new("negative period");
	if (profile->time_ns < 0 || profile->duration_ns < 0)
		return error_new("negative time");
	if (!has_strings(profile, profile->comments.data,
			 profile->comments.n))
		return error_new("a comment without text");
	return NULL;
}

static struct error *check_mappings(const struct profile *profile)
{
	for (size_t i = 0; i < profile->mappings.n; i++) {
		const struct profile_mapping *m =
			vec_at(&profile->mappings, i);

		if (!has_strings(profile, (string_id[]){ m->filename,
							 m->build_id }, 2))
			return error_new("mapping %zu has no name", i);
		if (m->start > m->limit)
			return error_new("mapping %zu ends before it starts",
					 i);
	}
	return NULL;
}

static struct error *check_functions(const struct profile *profile)
{
	for (size_t i = 0; i < profile->functions.n; i++) {
		const struct profile_function *f =
			vec_at(&profile->functions, i);
		string_id ids[] = { f->name, f->system_name, f->filename };

		if (!has_strings(profile, ids, ARRAY_SIZE(ids)))
			return error_new("function %zu has no name", i);
		if (f->start_line < 0)
			return error_new("function %zu: negative line", i);
	}
	for (size_t i = 0; i < profile->lines.n; i++) {
		const struct profile_line *l = vec_at(&profile->lines, i);

		if (l->function >= profile->functions.n)
			return error_new("line %zu has no function", i);
		if (l->line < 0)
			return error_new("line %zu is negative", i);
	}
	return NULL;
}

static struct error *check_locations(const struct profile *profile)
{
	for (size_t i = 0; i < profile->locations.n; i++) {
		const struct profile_location *l =
			vec_at(&profile->locations, i);

		if (l->mapping != NO_ID &&
		    l->mapping >= profile->mappings.n)
			return error_new("location %zu: no mapping", i);
		if (l->first_line > profile->lines.n ||
		    l->n_lines > profile->lines.n - l->first_line)
			return error_new("location %zu: no lines", i);
	}
	return NULL;
}

static struct error *check_stacks(const struct profile *profile)
{
	const struct stack_tree *tree = &profile->stacks;

	for (stack_id i = STACK_EMPTY + 1; i < tree->nodes.keys.n; i++) {
		if (stack_leaf(tree, i) >= profile->locations.n)
			return error_new("stack %u: no location", i);
		if (stack_callers(tree, i) >= i)
			return error_new("stack %u: not below its callers", i);
	}
	return NULL;
}

static struct error *check_labels(const struct profile *profile)
{
	for (uint32_t i = 0; i < profile->label_sets.entries.n; i++) {
		size_t n;
		const struct profile_label *labels =
			profile_label_set(profile, i, &n);

		for (size_t k = 0; k < n; k++) {
			string_id ids[] = { labels[k].key, labels[k].str,
					    labels[k].num_unit };

			if (!has_strings(profile, ids, ARRAY_SIZE(ids)))
				return error_new("label set %u: no text", i);
			if (!labels[k].key)
				return error_new("label set %u: no key", i);
		}
	}
	return NULL;
}

static struct error *check_samples(const struct profile *profile)
{
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *s = vec_at(&profile->samples, i);

		if (s->stack >= profile->stacks.nodes.keys.n)
			return error_new("sample %zu has no stack", i);
		if (s->labels >= profile->label_sets.entries.n)
			return error_new("sample %zu has no label set", i);
	}
	return NULL;
}

struct error *profile_check(const struct profile *profile)
{
	static struct error *(*const checks[])(const struct profile *) = {
		check_strings,	 check_types,	  check_header,
		check_mappings,	 check_functions, check_locations,
		check_stacks,	 check_labels,	  check_samples,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct error *error = checks[i](profile);

		if (error)
			return error_wrap(error, "inconsistent profile");
	}
	return NULL;
}
