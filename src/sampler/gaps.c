/* SPDX-License-Identifier: MIT */
/* gaps.c - which modules of a profile lack names, and how much it matters. */
#include "sampler/gaps.h"

#include "profile/names.h"
#include "sampler/naming.h"
#include "symbol/advice.h"

enum { GAP_SEEN, GAP_UNNAMED, N_GAP_MARKS };

struct gap_count {
	const struct module *module;
	int64_t value[N_GAP_MARKS];
	size_t marked[N_GAP_MARKS]; /* last sample that was counted, plus 1 */
};

struct gap_location {
	uint32_t count; /* NO_ID: nothing to say about it */
	bool is_unnamed;
};

struct gap_search {
	struct vec counts;	 /* struct gap_count */
	struct map by_module;	 /* pointer -> counts */
	struct gap_location *of; /* by location */
};

static uint32_t count_of(struct gap_search *search,
			 const struct module *module)
{
	uint64_t key = (uintptr_t)module;
	uint32_t id = map_get(&search->by_module, key);

	if (id != NO_ID)
		return id;
	id = (uint32_t)search->counts.n;
	map_put(&search->by_module, key, id);
	((struct gap_count *)vec_push(&search->counts))->module = module;
	return id;
}

static struct gap_location judge_location(struct gap_search *search,
					  const struct registry *registry,
					  struct symbolizer *symbolizer,
					  location_id id)
{
	struct naming_place at;
	enum symbol_source source = SYMBOL_NONE;
	size_t n;

	switch (naming_find_place(registry, id, &at)) {
	case PLACE_MODULE:
		symbolizer_find(symbolizer, at.module, at.vaddr, &n, &source);
		return (struct gap_location){ count_of(search, at.module),
					      source == SYMBOL_NONE };
	case PLACE_FILE:
		return (struct gap_location){ count_of(search, at.module),
					      true };
	case PLACE_MADE:
		return (struct gap_location){ count_of(search, NULL),
					      !at.made_name };
	case PLACE_OTHER:
		break;
	}
	return (struct gap_location){ NO_ID, false };
}

static void mark(struct gap_count *count, int what, size_t sample,
		 int64_t value)
{
	if (count->marked[what] == sample + 1)
		return;
	count->marked[what] = sample + 1;
	count->value[what] += value;
}

/* The sum of value @type of all samples. */
static int64_t count_samples(struct gap_search *search,
			     const struct profile *profile, size_t type)
{
	const struct stack_tree *tree = &profile->stacks;
	int64_t total = 0;

	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *sample =
			vec_at(&profile->samples, i);
		int64_t value = sample->values[type];
		stack_id stack = sample->stack;

		total += value;
		for (; stack != STACK_EMPTY;
		     stack = stack_callers(tree, stack)) {
			struct gap_location at =
				search->of[stack_leaf(tree, stack)];

			if (at.count == NO_ID)
				continue;
			mark(vec_at(&search->counts, at.count), GAP_SEEN, i,
			     value);
			if (at.is_unnamed)
				mark(vec_at(&search->counts, at.count),
				     GAP_UNNAMED, i, value);
		}
	}
	return total;
}

static int compare_gap(const void *a, const void *b)
{
	const struct gap *x = a, *y = b;

	if (x->unnamed != y->unnamed)
		return x->unnamed > y->unnamed ? -1 : 1;
	return (x->seen < y->seen) - (x->seen > y->seen);
}

void gaps_find(const struct registry *registry,
	       struct symbolizer *symbolizer, size_t type, struct vec *out)
{
	const struct profile *profile = registry->profile;
	size_t n = profile->locations.n;
	struct gap_search search = { .counts = VEC_OF(struct gap_count) };
	int64_t total;

	*out = VEC_OF(struct gap);
	search.of = xreallocarray(NULL, n, sizeof(*search.of));
	for (location_id id = 0; id < n; id++)
		search.of[id] = judge_location(&search, registry, symbolizer,
					       id);
	total = count_samples(&search, profile, type);
	for (size_t i = 0; i < search.counts.n && total > 0; i++) {
		const struct gap_count *count = vec_at(&search.counts, i);

		*(struct gap *)vec_push(out) = (struct gap){
			.module = count->module,
			.unnamed = (double)count->value[GAP_UNNAMED] /
				   (double)total,
			.seen = (double)count->value[GAP_SEEN] /
				(double)total,
		};
	}
	if (out->n)
		qsort(out->data, out->n, out->elem_bytes, compare_gap);
	vec_clear(&search.counts);
	map_clear(&search.by_module);
	free(search.of);
}

char *gap_describe(const struct gap *gap, const struct symbolizer *symbolizer)
{
	CLEANUP(free) char *advice = NULL;
	struct symbol_summary summary;
	bool is_asked;

	if (!gap->module)
		return xasprintf("no names for code made at run time (%.0f %% "
				 "of samples): see \"Code made at run time\" "
				 "in psample-record(1)", 100 * gap->unnamed);
	is_asked = symbolizer_summary(symbolizer, gap->module, &summary);
	advice = symbol_advice(gap->module, is_asked ? &summary : NULL);
	return xasprintf("no symbols for %s (%.0f %% of samples): %s",
			 path_base(gap->module->path), 100 * gap->unnamed,
			 advice);
}

static const char *state_of_lines(const struct symbol_summary *summary)
{
	if (summary->has_unreadable_dwarf)
		return "DWARF that this elfutils cannot read (zstd)";
	if (!summary->has_dwarf && summary->n_addresses[SYMBOL_GO])
		return "no DWARF, but Go's table";
	if (!summary->has_dwarf)
		return "no DWARF";
	if (summary->lacks_split)
		return "DWARF, but not all of its .dwo files";
	if (summary->lacks_alt)
		return "DWARF, but not the file that dwz made of it";
	return "DWARF";
}

char *gap_details(const struct gap *gap, const struct symbolizer *symbolizer)
{
	CLEANUP(free) char *advice = NULL;
	struct symbol_summary s;

	if (!gap->module)
		return xasprintf("code made at run time: on %.1f %% of "
				 "samples, %.1f %% without a name",
				 100 * gap->seen, 100 * gap->unnamed);
	if (!symbolizer_summary(symbolizer, gap->module, &s))
		return xasprintf("%s: on %.1f %% of samples; %s",
				 gap->module->path, 100 * gap->seen,
				 gap->module->fault ? gap->module->fault
						    : "no code there");
	if (!s.has_dwarf && !s.n_addresses[SYMBOL_GO] &&
	    gap->module->path[0] == '/')
		advice = symbol_advice(gap->module, &s);
	return xasprintf("%s: on %.1f %% of samples; %zu addresses by %s, "
			 "%zu by .symtab, %zu by .dynsym, %zu without a name; "
			 "%s%s%s", gap->module->path, 100 * gap->seen,
			 s.n_addresses[SYMBOL_DWARF] +
				 s.n_addresses[SYMBOL_GO],
			 s.has_dwarf || !s.n_addresses[SYMBOL_GO] ? "DWARF"
								  : "Go",
			 s.n_addresses[SYMBOL_SYMTAB],
			 s.n_addresses[SYMBOL_DYNSYM],
			 s.n_addresses[SYMBOL_NONE], state_of_lines(&s),
			 advice ? ": " : "", advice ? advice : "");
}
