/* SPDX-License-Identifier: MIT */
/*
 * heap_text.c - an allocation profile as text, in the older format.
 *
 *	heap profile: 1: 4096 [2: 8192] @ heapprofile
 *	1: 4096 [2: 8192] @ 0x401234 0x405678
 *	#	0x401234	f	/src/a.c:12
 *
 * The kind is that of exact profiles: counts stand for all allocations here,
 * and a reader is not to scale them once more. Readers take 1 off each
 * address.
 */
#include "serve/heap_text.h"

#include "serve/stacks.h"

enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE };

static void add_counts(const int64_t *values, struct strbuf *out)
{
	strbuf_addf(out, "%lld: %lld [%lld: %lld] @",
		    (long long)values[INUSE_OBJECTS],
		    (long long)values[INUSE_SPACE],
		    (long long)values[ALLOC_OBJECTS],
		    (long long)values[ALLOC_SPACE]);
}

static void add_lines(const struct profile *profile,
		      const struct profile_location *location,
		      struct strbuf *out)
{
	for (uint32_t i = 0; i < location->n_lines; i++) {
		const struct profile_line *line = vec_at(
			&profile->lines, location->first_line + i);
		const struct profile_function *function =
			vec_at(&profile->functions, line->function);
		const char *file =
			profile_string_text(profile, function->filename);

		strbuf_addf(out, "#\t%#llx\t%s\t%s:%lld\n",
			    (unsigned long long)location->address + 1,
			    profile_string_text(profile, function->name),
			    *file ? file : "?", (long long)line->line);
	}
}

static void add_row(const struct profile *profile,
		    const struct profile_sample *sample, struct strbuf *out)
{
	const struct stack_tree *tree = &profile->stacks;
	stack_id stack = sample->stack;

	add_counts(sample->values, out);
	stacks_add_addresses(profile, stack, out);
	for (; stack != STACK_EMPTY; stack = stack_callers(tree, stack))
		add_lines(profile,
			  vec_at(&profile->locations, stack_leaf(tree, stack)),
			  out);
}

void heap_write_text(const struct profile *profile, struct strbuf *out)
{
	int64_t totals[PROFILE_MAX_TYPES] = { 0 };

	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *sample =
			vec_at(&profile->samples, i);

		for (size_t j = 0; j < PROFILE_MAX_TYPES; j++)
			totals[j] += sample->values[j];
	}
	strbuf_adds(out, "heap profile: ");
	/* Equal totals would be read as a profile without allocations. */
	if (totals[ALLOC_OBJECTS] == totals[INUSE_OBJECTS])
		totals[ALLOC_OBJECTS]++;
	if (totals[ALLOC_SPACE] == totals[INUSE_SPACE])
		totals[ALLOC_SPACE]++;
	add_counts(totals, out);
	strbuf_adds(out, " heapprofile\n");
	for (size_t i = 0; i < profile->samples.n; i++)
		add_row(profile, vec_at(&profile->samples, i), out);
}
