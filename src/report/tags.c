/* SPDX-License-Identifier: MIT */
/* tags.c - units of labels; filters on labels and their keys. */
#include "report/tags.h"

#include <ctype.h>
#include <errno.h>

#include "profile/unit.h"
#include "util/log.h"

/* --- units ----------------------------------------------------------- */

struct other_unit { /* of a key that had another one before */
	string_id key, unit;
};

static void tag_unit_meet(struct tag_units *units,
			  const struct pp_label *label, struct vec *others)
{
	uint32_t have = map_get(&units->units, label->key);

	if (!label->unit) /* only remember that the key exists */
		map_put(&units->units, label->key, have == NO_ID ? 0 : have);
	else if (have == NO_ID || !have)
		map_put(&units->units, label->key, label->unit);
	else if (have != label->unit) {
		for (size_t i = 0; i < others->n; i++) {
			struct other_unit *o = vec_at(others, i);

			if (o->key == label->key && o->unit == label->unit)
				return;
		}
		*(struct other_unit *)vec_push(others) =
			(struct other_unit){ label->key, label->unit };
	}
}

static void tell_other_units(const struct tag_units *units,
			     const struct pp *pp, const struct vec *others)
{
	for (size_t i = 0; i < others->n; i++) {
		const struct other_unit *o = vec_at(others, i);

		log_notice("For tag %s used unit %s, also encountered "
			   "unit(s) %s", pp_text(pp, o->key),
			   tag_unit(units, pp, o->key), pp_text(pp, o->unit));
	}
}

static void tag_unit_guess(struct tag_units *units, struct pp *pp,
			   string_id key)
{
	const char *name = pp_text(pp, key);

	if (map_get(&units->units, key))
		return;
	if (!strcmp(name, "alignment") || !strcmp(name, "request"))
		map_put(&units->units, key, pp_string(pp, "bytes"));
	else
		map_put(&units->units, key, key);
}

void tag_units_find(struct pp *pp, struct tag_units *out)
{
	struct vec others = VEC_OF(struct other_unit);

	*out = (struct tag_units){ { 0 } };
	for (size_t i = 0; i < pp->label_sets.n; i++) {
		const struct pp_labels *set = vec_at(&pp->label_sets, i);

		for (uint32_t j = 0; j < set->n; j++)
			if (set->labels[j].flags & PP_LABEL_IS_NUMBER)
				tag_unit_meet(out, &set->labels[j], &others);
	}
	for (size_t i = 0; i < pp->label_sets.n; i++) {
		const struct pp_labels *set = vec_at(&pp->label_sets, i);

		for (uint32_t j = 0; j < set->n; j++)
			if (set->labels[j].flags & PP_LABEL_IS_NUMBER)
				tag_unit_guess(out, pp, set->labels[j].key);
	}
	tell_other_units(out, pp, &others);
	vec_clear(&others);
}

void tag_units_clear(struct tag_units *units)
{
	map_clear(&units->units);
}

const char *tag_unit(const struct tag_units *units, const struct pp *pp,
		     string_id key)
{
	uint32_t unit = map_get(&units->units, key);

	return unit == NO_ID ? "" : pp_text(pp, unit);
}

/* --- filters --------------------------------------------------------- */

struct tag_filter {
	char *key; /* NULL: any */
	bool is_range, has_low, has_high;
	double low, high;
	char *unit;	    /* of the range */
	struct vec regexes; /* struct regex * */
};

/* "-12kb" at *@at: the number in its own unit; *@at behind it. */
static bool parse_bound(const char **at, const char *to_unit, double *out,
			char **out_unit)
{
	CLEANUP(free) char *unit = NULL;
	const char *p = *at, *scaled_unit;
	size_t n = 0;
	char *end;
	long long value;

	if (!isdigit((unsigned char)p[*p == '+' || *p == '-']))
		return false;
	errno = 0;
	value = strtoll(p, &end, 10);
	if (errno)
		return false;
	while (isalpha((unsigned char)end[n]))
		n++;
	unit = xstrndup(end, n);
	*at = end + n;
	*out = unit_scale(value, unit, to_unit ? to_unit : unit,
			  &scaled_unit);
	*out_unit = xstrdup(scaled_unit);
	return true;
}

static bool parse_range(struct tag_filter *filter, const char *text)
{
	CLEANUP(free) char *unit2 = NULL;
	bool has_colon;

	if (*text == ':') {
		text++;
		filter->has_high = true;
		return parse_bound(&text, NULL, &filter->high,
				   &filter->unit) && !*text;
	}
	if (!parse_bound(&text, NULL, &filter->low, &filter->unit))
		return false;
	filter->has_low = true;
	has_colon = *text == ':';
	if (has_colon)
		text++;
	if (has_colon && !*text)
		return true;
	filter->has_high = true;
	filter->high = filter->low;
	if (!has_colon)
		return !*text;
	return parse_bound(&text, filter->unit, &filter->high, &unit2) &&
	       !*text && !strcmp(unit2, filter->unit);
}

static struct error *compile_list(struct tag_filter *filter,
				  const char *name, const char *text)
{
	struct error *error = NULL;

	for (bool is_last = false; !is_last && !error;) {
		size_t n = strcspn(text, ",");
		CLEANUP(free) char *pattern = xstrndup(text, n);

		error = regex_new(pattern, (struct regex **)
					   vec_push(&filter->regexes));
		is_last = !text[n];
		text += n + 1;
	}
	return error ? error_wrap(error, "parsing %s regexp", name) : NULL;
}

struct error *tag_filter_new(const char *name, const char *value,
			     struct tag_filter **out)
{
	CLEANUP(tag_filter_free) struct tag_filter *filter = NULL;
	const char *equals = strchr(value, '=');
	struct error *error;

	*out = NULL;
	if (!*value)
		return NULL;
	filter = xcalloc(1, sizeof(*filter));
	filter->regexes = VEC_OF(struct regex *);
	if (equals) {
		filter->key = xstrndup(value, (size_t)(equals - value));
		value = equals + 1;
	}
	filter->is_range = parse_range(filter, value);
	if (filter->is_range) {
		log_notice("%s:Interpreted '%s' as range, not regexp", name,
			   value);
		*out = TAKE(filter);
		return NULL;
	}
	error = compile_list(filter, name, value);
	if (!error)
		*out = TAKE(filter);
	return error;
}

void tag_filter_free(struct tag_filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->regexes.n; i++)
		regex_free(*(struct regex **)vec_at(&filter->regexes, i));
	vec_clear(&filter->regexes);
	free(filter->key);
	free(filter->unit);
	free(filter);
}

static bool is_in_range(const struct tag_filter *filter,
			const struct pp_label *label, const char *unit)
{
	const char *scaled_unit;
	double value = unit_scale(label->num, unit, filter->unit,
				  &scaled_unit);

	return !strcmp(scaled_unit, filter->unit) &&
	       (!filter->has_low || value >= filter->low) &&
	       (!filter->has_high || value <= filter->high);
}

/* With a key its values are tried, without one "key:value". */
static bool matches_regex(const struct tag_filter *filter,
			  const struct pp *pp, const struct pp_labels *set,
			  struct regex *regex)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct pp_label *label = &set->labels[i];
		const char *key = pp_text(pp, label->key);
		const char *value = pp_text(pp, label->str);
		CLEANUP(free) char *both = NULL;

		if (label->flags & PP_LABEL_IS_NUMBER)
			continue;
		if (filter->key) {
			if (!strcmp(filter->key, key) &&
			    regex_matches(regex, value))
				return true;
			continue;
		}
		both = xasprintf("%s:%s", key, value);
		if (regex_matches(regex, both))
			return true;
	}
	return false;
}

static bool matches_range(const struct tag_filter *filter,
			  const struct pp *pp, const struct tag_units *units,
			  const struct pp_labels *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct pp_label *label = &set->labels[i];

		if ((label->flags & PP_LABEL_IS_NUMBER) &&
		    (!filter->key ||
		     !strcmp(filter->key, pp_text(pp, label->key))) &&
		    is_in_range(filter, label,
				tag_unit(units, pp, label->key)))
			return true;
	}
	return false;
}

/* With a key one pattern is enough, without one all must match. */
static bool matches_labels(const struct tag_filter *filter,
			   const struct pp *pp, const struct tag_units *units,
			   const struct pp_labels *set)
{
	if (filter->is_range)
		return matches_range(filter, pp, units, set);
	for (size_t i = 0; i < filter->regexes.n; i++) {
		struct regex *regex = *(struct regex **)vec_at(
			&filter->regexes, i);

		if (matches_regex(filter, pp, set, regex) == !!filter->key)
			return filter->key;
	}
	return !filter->key;
}

void pp_filter_tags(struct pp *pp, const struct tag_units *units,
		    struct tag_filter *focus, struct tag_filter *ignore,
		    struct tag_matches *out)
{
	enum { FOCUSED = 1, IGNORED = 2 };
	CLEANUP(free) unsigned char *sets = xcalloc(pp->label_sets.n, 1);
	struct pp_sample *samples = pp->samples.data;
	size_t n = 0;

	*out = (struct tag_matches){ false, false };
	for (size_t i = 0; i < pp->label_sets.n; i++) {
		const struct pp_labels *set = vec_at(&pp->label_sets, i);

		if (!focus || matches_labels(focus, pp, units, set))
			sets[i] |= FOCUSED;
		if (ignore && matches_labels(ignore, pp, units, set))
			sets[i] |= IGNORED;
	}
	for (size_t i = 0; i < pp->samples.n; i++) {
		unsigned char set = sets[samples[i].labels];

		out->focus |= (set & FOCUSED) != 0;
		out->ignore |= (set & IGNORED) != 0;
		if (set == FOCUSED)
			samples[n++] = samples[i];
	}
	pp->samples.n = n;
}

/* --- keys ------------------------------------------------------------ */

/* A copy of @set without the labels that @is_dropped says. */
static void drop_labels(struct pp *pp, struct pp_labels *set,
			const bool *is_dropped)
{
	struct pp_label *kept =
		arena_alloc(&pp->arena, set->n * sizeof(*kept) + 1);
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->n; i++)
		if (!is_dropped[i])
			kept[n++] = set->labels[i];
	set->labels = kept;
	set->n = n;
}

void pp_filter_tag_names(struct pp *pp, struct regex *show,
			 struct regex *hide, struct tag_matches *out)
{
	CLEANUP(free) bool *is_used =
		xcalloc(pp->label_sets.n, sizeof(*is_used));

	*out = (struct tag_matches){ false, false };
	for (size_t i = 0; i < pp->samples.n; i++)
		is_used[((struct pp_sample *)vec_at(&pp->samples, i))
				->labels] = true;
	for (size_t i = 0; i < pp->label_sets.n; i++) {
		struct pp_labels *set = vec_at(&pp->label_sets, i);
		CLEANUP(free) bool *is_dropped =
			xcalloc(set->n, sizeof(*is_dropped));

		for (uint32_t j = 0; is_used[i] && j < set->n; j++) {
			const char *key = pp_text(pp, set->labels[j].key);
			bool is_shown = !show || regex_matches(show, key);
			bool is_hidden = hide && regex_matches(hide, key);

			out->focus |= is_shown;
			out->ignore |= is_hidden;
			is_dropped[j] = !is_shown || is_hidden;
		}
		drop_labels(pp, set, is_dropped);
	}
}

void pp_remove_label(struct pp *pp, const char *key)
{
	string_id id = pp_string(pp, key);

	for (size_t i = 0; i < pp->label_sets.n; i++) {
		struct pp_labels *set = vec_at(&pp->label_sets, i);
		CLEANUP(free) bool *is_dropped =
			xcalloc(set->n, sizeof(*is_dropped));

		for (uint32_t j = 0; j < set->n; j++)
			is_dropped[j] = set->labels[j].key == id &&
					!(set->labels[j].flags &
					  PP_LABEL_IS_NUMBER);
		drop_labels(pp, set, is_dropped);
	}
}

void pp_set_label(struct pp *pp, const char *key, const char *value)
{
	struct pp_label label = { .key = pp_string(pp, key),
				  .str = pp_string(pp, value) };
	CLEANUP(free) uint32_t *sets =
		xcalloc(pp->label_sets.n, sizeof(*sets));
	size_t n = pp->label_sets.n;

	pp_remove_label(pp, key);
	for (size_t i = 0; i < n; i++) {
		struct pp_labels set = *(struct pp_labels *)vec_at(
			&pp->label_sets, i);
		CLEANUP(free) struct pp_label *labels =
			xcalloc(set.n + 1, sizeof(*labels));

		if (set.n)
			memcpy(labels, set.labels, set.n * sizeof(*labels));
		labels[set.n] = label;
		sets[i] = pp_labels(pp, labels, set.n + 1);
	}
	for (size_t i = 0; i < pp->samples.n; i++) {
		struct pp_sample *sample = vec_at(&pp->samples, i);

		sample->labels = sets[sample->labels];
	}
}
