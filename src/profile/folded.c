/* SPDX-License-Identifier: MIT */
/*
 * folded.c - stacks as lines of text: "process;thread;root;caller;leaf 12".
 */
#include "profile/write.h"

#include <inttypes.h>

#include "profile/names.h"

/* The separators of the format must not appear in a name. */
static void folded_add_name(struct strbuf *line, const char *name)
{
	if (line->len)
		strbuf_addc(line, ';');
	for (; *name; name++) {
		if (*name == ';')
			strbuf_addc(line, ':');
		else if (*name == '\n' || *name == '\r')
			strbuf_addc(line, ' ');
		else
			strbuf_addc(line, *name);
	}
}

/* The text of the string label @key in the label set, or NULL. */
static const char *folded_label(const struct profile *profile, uint32_t set,
				const char *key)
{
	size_t n;
	const struct profile_label *labels =
		profile_label_set(profile, set, &n);

	for (size_t i = 0; i < n; i++)
		if (labels[i].str &&
		    !strcmp(profile_string_text(profile, labels[i].key), key))
			return profile_string_text(profile, labels[i].str);
	return NULL;
}

/* The outermost function of a location first. */
static void folded_add_location(const struct profile *profile,
				struct strbuf *line, location_id id)
{
	const struct profile_location *l = vec_at(&profile->locations, id);
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };

	for (uint32_t i = l->n_lines ? l->n_lines : 1; i-- > 0;) {
		strbuf_reset(&name);
		location_add_name(profile, l, i, &name);
		folded_add_name(line, name.data);
	}
}

/* @stack is scratch space, location_id. */
static void folded_make_line(const struct profile *profile,
			     const struct profile_sample *sample,
			     struct vec *stack, struct strbuf *line)
{
	static const char *const keys[] = { "process", "thread_name" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text =
			folded_label(profile, sample->labels, keys[i]);

		if (text)
			folded_add_name(line, text);
	}
	if (sample->stack == STACK_EMPTY)
		folded_add_name(line, "[unknown]");
	stack_tree_get(&profile->stacks, sample->stack, stack);
	for (size_t i = stack->n; i-- > 0;)
		folded_add_location(profile, line,
				    *(location_id *)vec_at(stack, i));
}

struct folded_line {
	const char *text;
	int64_t value;
};

static int folded_compare(const void *a, const void *b)
{
	const struct folded_line *x = a, *y = b;

	return strcmp(x->text, y->text);
}

void profile_write_folded(const struct profile *profile, size_t type_index,
			  struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct vec lines = VEC_OF(struct folded_line);
	struct vec stack = VEC_OF(location_id);
	struct folded_line *line;
	struct intern texts;

	assert(type_index < profile->n_types);
	intern_init(&texts);
	for (size_t i = 0; i < profile->samples.n; i++) {
		const struct profile_sample *s = vec_at(&profile->samples, i);
		uint32_t id;

		if (!s->values[type_index])
			continue;
		strbuf_reset(&text);
		folded_make_line(profile, s, &stack, &text);
		id = intern_bytes(&texts, text.data, text.len);
		if (id == lines.n) {
			line = vec_push(&lines);
			line->text = intern_get(&texts, id)->bytes;
		}
		line = vec_at(&lines, id);
		line->value += s->values[type_index];
	}
	if (lines.n)
		qsort(lines.data, lines.n, sizeof(*line), folded_compare);
	for (size_t i = 0; i < lines.n; i++) {
		line = vec_at(&lines, i);
		if (line->value)
			strbuf_addf(out, "%s %" PRId64 "\n", line->text,
				    line->value);
	}
	vec_clear(&lines);
	vec_clear(&stack);
	intern_clear(&texts);
}
