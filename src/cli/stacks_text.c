/* SPDX-License-Identifier: MIT */
/* stacks_text.c - every thread once, with its stack, for people to read. */
#include "cli/stacks_text.h"

#include "sampler/naming.h"
#include "sampler/tally.h"

static const char *label_of(const struct profile *profile,
			    const struct profile_sample *sample,
			    const char *key)
{
	size_t n;
	const struct profile_label *labels =
		profile_label_set(profile, sample->labels, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(profile_string_text(profile, labels[i].key), key))
			return profile_string_text(profile, labels[i].str);
	return NULL;
}

static int64_t time_of(const struct profile_sample *sample)
{
	return sample->values[VALUE_WALL];
}

/* const struct profile_sample *, one for each thread */
static void choose(const struct profile *profile, struct vec *out)
{
	struct intern threads;

	*out = VEC_OF(const struct profile_sample *);
	intern_init(&threads);
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *sample =
			vec_at(&profile->samples, i);
		const char *tid = label_of(profile, sample, LABEL_THREAD_ID);
		const struct profile_sample **best;
		uint32_t id;

		if (!tid)
			continue;
		id = intern_string(&threads, tid);
		if (id == out->n)
			*(const struct profile_sample **)vec_push(out) = sample;
		best = vec_at(out, id);
		if (time_of(sample) > time_of(*best))
			*best = sample;
	}
	intern_clear(&threads);
}

/* "    parse_line  /src/parse.c:12", or the module if that is all known */
static void add_frame(const struct profile *profile,
		      const struct profile_location *location, uint32_t i,
		      struct strbuf *out)
{
	const struct profile_line *line =
		vec_at(&profile->lines, location->first_line + i);
	const struct profile_function *function =
		vec_at(&profile->functions, line->function);
	const char *file = profile_string_text(profile, function->filename);
	const struct profile_mapping *mapping;

	strbuf_addf(out, "    %s",
		    profile_string_text(profile, function->name));
	if (*file) {
		strbuf_addf(out, "  %s:%lld", file, (long long)line->line);
	} else if (location->mapping != NO_ID) {
		mapping = vec_at(&profile->mappings, location->mapping);
		strbuf_addf(out, "  %s",
			    profile_string_text(profile, mapping->filename));
	}
	strbuf_addc(out, '\n');
}

static void add_thread(const struct profile *profile,
		       const struct profile_sample *sample, struct strbuf *out)
{
	const char *name = label_of(profile, sample, LABEL_THREAD_NAME);
	size_t n;
	const location_id *ids =
		profile_stack_locations(profile, sample->stack, &n);

	strbuf_addf(out, "%sthread %s (%s), %s:\n", out->len ? "\n" : "",
		    label_of(profile, sample, LABEL_THREAD_ID),
		    name ? name : "?",
		    sample->values[VALUE_CPU] > 0 ? "running" : "waiting");
	for (size_t i = 0; i < n; i++) {
		const struct profile_location *location =
			vec_at(&profile->locations, ids[i]);

		for (uint32_t j = 0; j < location->n_lines; j++)
			add_frame(profile, location, j, out);
	}
}

void stacks_text_write(const struct profile *profile, struct strbuf *out)
{
	struct vec chosen;

	choose(profile, &chosen);
	for (size_t i = 0; i < chosen.n; i++)
		add_thread(profile,
			   *(const struct profile_sample **)vec_at(&chosen, i),
			   out);
	vec_clear(&chosen);
}
