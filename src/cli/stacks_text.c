/* SPDX-License-Identifier: MIT */
/* stacks_text.c - every thread once, with its stack, for people to read. */
#include "cli/stacks_text.h"

#include "sampler/naming.h"
#include "sampler/tally.h"

#define UNSEEN_TOLD_MAX 8

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

/* Time of which no stack was seen: digest.c's one frame for that. */
static bool is_unseen(const struct profile *profile,
		      const struct profile_sample *sample)
{
	const struct stack_tree *tree = &profile->stacks;
	stack_id stack = sample->stack;
	const struct profile_location *location;
	const struct profile_line *line;
	const struct profile_function *function;

	if (stack == STACK_EMPTY)
		return true;
	if (stack_callers(tree, stack) != STACK_EMPTY)
		return false;
	location = vec_at(&profile->locations, stack_leaf(tree, stack));
	if (location->mapping != NO_ID || !location->n_lines)
		return false;
	line = vec_at(&profile->lines, location->first_line);
	function = vec_at(&profile->functions, line->function);
	return !strcmp(profile_string_text(profile, function->name),
		       "[unsampled]");
}

/* Any stack is better than none; then the one that took longest. */
static bool is_better(const struct profile *profile,
		      const struct profile_sample *sample,
		      const struct profile_sample *than)
{
	bool unseen = is_unseen(profile, sample);

	if (unseen != is_unseen(profile, than))
		return !unseen;
	return time_of(sample) > time_of(than);
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
		if (is_better(profile, sample, *best))
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

static void add_id(const struct profile *profile,
		   const struct profile_sample *sample, struct strbuf *out)
{
	const char *id = label_of(profile, sample, LABEL_THREAD_ID);
	const char *name = label_of(profile, sample, LABEL_THREAD_NAME);

	strbuf_adds(out, id);
	if (name && strcmp(name, id) != 0)
		strbuf_addf(out, " (%s)", name);
}

static void add_thread(const struct profile *profile,
		       const struct profile_sample *sample, struct strbuf *out)
{
	const struct stack_tree *tree = &profile->stacks;
	stack_id stack = sample->stack;

	strbuf_adds(out, out->len ? "\nthread " : "thread ");
	add_id(profile, sample, out);
	strbuf_adds(out, sample->values[VALUE_CPU] > 0 ? ", running:\n"
						       : ", waiting:\n");
	for (; stack != STACK_EMPTY; stack = stack_callers(tree, stack)) {
		const struct profile_location *location =
			vec_at(&profile->locations, stack_leaf(tree, stack));

		for (uint32_t j = 0; j < location->n_lines; j++)
			add_frame(profile, location, j, out);
	}
}

/* One line on all that were gone, or still new, when it was looked. */
static void add_unseen(const struct profile *profile,
		       const struct vec *unseen, struct strbuf *out)
{
	if (!unseen->n)
		return;
	strbuf_addf(out, "%s%zu thread%s here too shortly to be seen (-F 1000 "
			 "looks more often):", out->len ? "\n" : "", unseen->n,
		    unseen->n == 1 ? " was" : "s were");
	for (size_t i = 0; i < unseen->n && i < UNSEEN_TOLD_MAX; i++) {
		strbuf_adds(out, i ? ", " : " ");
		add_id(profile,
		       *(const struct profile_sample **)vec_at(unseen, i),
		       out);
	}
	strbuf_adds(out, unseen->n > UNSEEN_TOLD_MAX ? " ...\n" : "\n");
}

void stacks_text_write(const struct profile *profile, struct strbuf *out)
{
	struct vec unseen = VEC_OF(const struct profile_sample *);
	struct vec chosen;

	choose(profile, &chosen);
	for (size_t i = 0; i < chosen.n; i++) {
		const struct profile_sample *sample =
			*(const struct profile_sample **)vec_at(&chosen, i);

		if (is_unseen(profile, sample))
			*(const struct profile_sample **)vec_push(&unseen) =
				sample;
		else
			add_thread(profile, sample, out);
	}
	add_unseen(profile, &unseen, out);
	vec_clear(&unseen);
	vec_clear(&chosen);
}
