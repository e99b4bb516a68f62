/* SPDX-License-Identifier: MIT */
/* stacks.c - where each thread is, in the words of Go's goroutine profile. */
#include "serve/stacks.h"

#include "sampler/naming.h"
#include "sampler/tally.h"
#include "serve/shape.h"

static const char *thread_of(const struct profile *profile,
			     const struct profile_sample *sample)
{
	return shape_label(profile, sample, LABEL_THREAD_ID);
}

static struct profile_sample *sample_at(const struct profile *profile,
					size_t i)
{
	return vec_at(&profile->samples, i);
}

static bool is_better(const struct profile_sample *a,
		      const struct profile_sample *b)
{
	return a->values[VALUE_WALL] + a->values[VALUE_CPU] >
	       b->values[VALUE_WALL] + b->values[VALUE_CPU];
}

void stacks_choose(struct profile *profile)
{
	struct intern threads;
	size_t n = 0;

	intern_init(&threads);
	for (size_t i = 0; i < profile->samples.n; i++) {
		struct profile_sample sample = *sample_at(profile, i);
		const char *thread = thread_of(profile, &sample);
		uint32_t id;

		if (!thread)
			continue;
		id = intern_string(&threads, thread);
		if (id == n)
			*sample_at(profile, n++) = sample;
		else if (is_better(&sample, sample_at(profile, id)))
			*sample_at(profile, id) = sample;
	}
	profile->samples.n = n;
	intern_clear(&threads);
}

void stacks_make_counts(struct profile *profile, const char *name)
{
	struct value_type type = { profile_string(profile, name),
				   profile_string(profile, "count") };

	profile->types[0] = profile->period_type = type;
	profile->n_types = 1;
	profile->period = 1;
	profile->default_type = 0;
	profile->duration_ns = 0;
	for (size_t i = 0; i < profile->samples.n; i++) {
		sample_at(profile, i)->values[0] = 1;
		sample_at(profile, i)->labels =
			profile_labels(profile, NULL, 0);
	}
}

/* "	/src/a.c:12", or what it is in if that is all that is known. */
static void add_place(const struct profile *profile,
		      const struct profile_location *location,
		      const struct profile_line *line, struct strbuf *out)
{
	const struct profile_function *function =
		vec_at(&profile->functions, line->function);
	const char *file = profile_string_text(profile, function->filename);

	if (!*file && location->mapping != NO_ID) {
		const struct profile_mapping *mapping =
			vec_at(&profile->mappings, location->mapping);

		file = profile_string_text(profile, mapping->filename);
	}
	strbuf_addf(out, "%s:%lld", *file ? file : "?",
		    (long long)line->line);
}

static const char *name_of(const struct profile *profile,
			   const struct profile_line *line)
{
	const struct profile_function *function =
		vec_at(&profile->functions, line->function);

	return profile_string_text(profile, function->name);
}

typedef void write_line(const struct profile *profile,
			const struct profile_location *location,
			const struct profile_line *line, struct strbuf *out);

/* All functions of @stack, inlined ones too, the innermost first. */
static void add_stack(const struct profile *profile, stack_id stack,
		      write_line *write, struct strbuf *out)
{
	const struct stack_tree *tree = &profile->stacks;

	for (; stack != STACK_EMPTY; stack = stack_callers(tree, stack)) {
		const struct profile_location *location =
			vec_at(&profile->locations, stack_leaf(tree, stack));

		for (uint32_t j = 0; j < location->n_lines; j++)
			write(profile, location,
			      vec_at(&profile->lines,
				     location->first_line + j), out);
	}
}

/* As runtime/pprof's printStackRecord(), without offsets in functions. */
static void add_comment(const struct profile *profile,
			const struct profile_location *location,
			const struct profile_line *line, struct strbuf *out)
{
	strbuf_addf(out, "#\t%#llx\t%s\t",
		    (unsigned long long)location->address + 1,
		    name_of(profile, line));
	add_place(profile, location, line, out);
	strbuf_addc(out, '\n');
}

/* As in a panic. */
static void add_frame(const struct profile *profile,
		      const struct profile_location *location,
		      const struct profile_line *line, struct strbuf *out)
{
	strbuf_addf(out, "%s(...)\n\t", name_of(profile, line));
	add_place(profile, location, line, out);
	strbuf_addf(out, " pc=%#llx\n",
		    (unsigned long long)location->address);
}

struct equal_stacks {
	stack_id stack;
	size_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct equal_stacks *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static void gather(const struct profile *profile, struct vec *out)
{
	struct map index = { 0 };

	*out = VEC_OF(struct equal_stacks);
	for (size_t i = 0; i < profile->samples.n; i++) {
		stack_id stack = sample_at(profile, i)->stack;
		uint32_t at = map_get(&index, stack);
		struct equal_stacks *equal;

		if (at == NO_ID) {
			map_put(&index, stack, (uint32_t)out->n);
			equal = vec_push(out);
			equal->stack = stack;
			equal->n = 1;
			continue;
		}
		equal = vec_at(out, at);
		equal->n++;
	}
	map_clear(&index);
	if (out->n)
		qsort(out->data, out->n, sizeof(struct equal_stacks),
		      by_count);
}

/* Profiles have callers one byte before their return addresses. */
void stacks_add_addresses(const struct profile *profile, stack_id stack,
			  struct strbuf *out)
{
	const struct stack_tree *tree = &profile->stacks;

	for (; stack != STACK_EMPTY; stack = stack_callers(tree, stack)) {
		const struct profile_location *location =
			vec_at(&profile->locations, stack_leaf(tree, stack));

		strbuf_addf(out, " %#llx",
			    (unsigned long long)location->address + 1);
	}
	strbuf_addc(out, '\n');
}

static void write_counts(const struct profile *profile, const char *name,
			 struct strbuf *out)
{
	struct vec stacks;

	gather(profile, &stacks);
	strbuf_addf(out, "%s profile: total %zu\n", name,
		    profile->samples.n);
	for (size_t i = 0; i < stacks.n; i++) {
		const struct equal_stacks *equal = vec_at(&stacks, i);

		strbuf_addf(out, "%zu @", equal->n);
		stacks_add_addresses(profile, equal->stack, out);
		add_stack(profile, equal->stack, add_comment, out);
		strbuf_addc(out, '\n');
	}
	vec_clear(&stacks);
}

static void write_panic(const struct profile *profile, struct strbuf *out)
{
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *sample = sample_at(profile, i);
		const char *name =
			shape_label(profile, sample, LABEL_THREAD_NAME);

		strbuf_addf(out, "%sgoroutine %s [%s%s%s]:\n", i ? "\n" : "",
			    thread_of(profile, sample),
			    sample->values[VALUE_CPU] > 0 ? "running"
							  : "syscall",
			    name ? ", thread " : "", name ? name : "");
		add_stack(profile, sample->stack, add_frame, out);
	}
}

void stacks_write(const struct profile *profile, const char *name,
		  unsigned debug, struct strbuf *out)
{
	if (debug >= 2)
		write_panic(profile, out);
	else
		write_counts(profile, name, out);
}
