/* SPDX-License-Identifier: MIT */
/*
 * encode.c - profile.proto from tables.
 *
 * Strings are numbered in the order in which pprof's writer meets them, lists
 * of one or two numbers are not packed, and the default sample type is
 * written even when there is none: all as it does, so that outputs compare.
 */
#include "report/encode.h"

#include "profile/proto.h"

struct encoder {
	const struct pp *pp;
	struct strbuf *out;
	struct strbuf message, inner; /* scratch */
	uint32_t *numbers; /* of each string_id, plus 1; 0: none yet */
	struct vec strings; /* string_id, in the order of their numbers */
};

static int64_t number_of(struct encoder *e, string_id id)
{
	if (!e->numbers[id]) {
		*(string_id *)vec_push(&e->strings) = id;
		e->numbers[id] = (uint32_t)e->strings.n;
	}
	return e->numbers[id] - 1;
}

static void number_labels(struct encoder *e, const struct pp_labels *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct pp_label *label = &set->labels[i];

		number_of(e, label->key);
		if (!(label->flags & PP_LABEL_IS_NUMBER))
			number_of(e, label->str);
		else if (label->flags & PP_LABEL_HAS_UNITS)
			number_of(e, label->unit);
	}
}

static void number_header(struct encoder *e)
{
	const struct pp *pp = e->pp;

	number_of(e, pp->drop_frames);
	number_of(e, pp->keep_frames);
	number_of(e, pp->period_type.type);
	number_of(e, pp->period_type.unit);
	for (size_t i = 0; i < pp->comments.n; i++)
		number_of(e, *(string_id *)vec_at(&pp->comments, i));
	number_of(e, pp->default_type);
	number_of(e, pp->doc_url);
}

static void number_strings(struct encoder *e)
{
	const struct pp *pp = e->pp;

	number_of(e, 0);
	for (size_t i = 0; i < pp->types.n; i++) {
		const struct pp_type *type = vec_at(&pp->types, i);

		number_of(e, type->type);
		number_of(e, type->unit);
	}
	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);

		if (sample->labels)
			number_labels(e, vec_at(&pp->label_sets,
						sample->labels));
	}
	for (size_t i = 0; i < pp->mappings.n; i++) {
		const struct pp_mapping *m = vec_at(&pp->mappings, i);

		number_of(e, m->file);
		number_of(e, m->build_id);
	}
	for (size_t i = 0; i < pp->functions.n; i++) {
		const struct pp_function *f = vec_at(&pp->functions, i);

		number_of(e, f->name);
		number_of(e, f->system_name);
		number_of(e, f->filename);
	}
	number_header(e);
}

static void add_message(struct strbuf *out, unsigned number,
			struct strbuf *message)
{
	proto_add_bytes(out, number, message->len ? message->data : "",
			message->len);
	strbuf_reset(message);
}

static void encode_type(struct encoder *e, unsigned number,
			const struct pp_type *type)
{
	proto_add_int(&e->message, 1, number_of(e, type->type));
	proto_add_int(&e->message, 2, number_of(e, type->unit));
	add_message(e->out, number, &e->message);
}

/* Number @number, @n varints, packed if there are more than two. */
static void encode_numbers(struct encoder *e, struct strbuf *out,
			   unsigned number, const uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (n <= 2)
			proto_add_varint(out, number << 3);
		proto_add_varint(n <= 2 ? out : &e->inner, values[i]);
	}
	if (n > 2)
		add_message(out, number, &e->inner);
}

static void encode_labels(struct encoder *e, const struct pp_labels *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct pp_label *label = &set->labels[i];

		proto_add_int(&e->inner, 1, number_of(e, label->key));
		proto_add_int(&e->inner, 2, number_of(e, label->str));
		proto_add_int(&e->inner, 3, label->num);
		proto_add_int(&e->inner, 4, number_of(e, label->unit));
		add_message(&e->message, 3, &e->inner);
	}
}

static void encode_samples(struct encoder *e)
{
	const struct pp *pp = e->pp;
	struct vec ids = VEC_OF(uint64_t);

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const struct pp_stack *stack =
			vec_at(&pp->stacks, sample->stack);

		ids.n = 0;
		for (uint32_t j = 0; j < stack->n; j++)
			*(uint64_t *)vec_push(&ids) =
				((struct pp_location *)vec_at(
					 &pp->locations, stack->frames[j]))
					->id;
		encode_numbers(e, &e->message, 1, ids.data, ids.n);
		encode_numbers(e, &e->message, 2,
			       (const uint64_t *)pp_values(pp, sample),
			       pp->types.n);
		encode_labels(e, vec_at(&pp->label_sets, sample->labels));
		add_message(e->out, 2, &e->message);
	}
	vec_clear(&ids);
}

static void encode_mappings(struct encoder *e)
{
	for (size_t i = 0; i < e->pp->mappings.n; i++) {
		const struct pp_mapping *m = vec_at(&e->pp->mappings, i);
		struct strbuf *out = &e->message;

		proto_add_int(out, 1, (int64_t)m->id);
		proto_add_int(out, 2, (int64_t)m->start);
		proto_add_int(out, 3, (int64_t)m->limit);
		proto_add_int(out, 4, (int64_t)m->offset);
		proto_add_int(out, 5, number_of(e, m->file));
		proto_add_int(out, 6, number_of(e, m->build_id));
		proto_add_int(out, 7, m->has_functions);
		proto_add_int(out, 8, m->has_filenames);
		proto_add_int(out, 9, m->has_line_numbers);
		proto_add_int(out, 10, m->has_inline_frames);
		add_message(e->out, 3, out);
	}
}

static void encode_locations(struct encoder *e)
{
	const struct pp *pp = e->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);
		struct strbuf *out = &e->message;

		proto_add_int(out, 1, (int64_t)l->id);
		if (l->mapping != NO_ID)
			proto_add_int(out, 2,
				      (int64_t)((struct pp_mapping *)vec_at(
							&pp->mappings,
							l->mapping))->id);
		proto_add_int(out, 3, (int64_t)l->address);
		for (uint32_t j = 0; j < l->n_lines; j++) {
			const struct pp_line *line =
				vec_at(&pp->lines, l->first_line + j);
			const struct pp_function *f =
				vec_at(&pp->functions, line->function);

			proto_add_int(&e->inner, 1, (int64_t)f->id);
			proto_add_int(&e->inner, 2, line->line);
			proto_add_int(&e->inner, 3, line->column);
			add_message(out, 4, &e->inner);
		}
		proto_add_int(out, 5, l->is_folded);
		add_message(e->out, 4, out);
	}
}

static void encode_functions(struct encoder *e)
{
	for (size_t i = 0; i < e->pp->functions.n; i++) {
		const struct pp_function *f = vec_at(&e->pp->functions, i);
		struct strbuf *out = &e->message;

		proto_add_int(out, 1, (int64_t)f->id);
		proto_add_int(out, 2, number_of(e, f->name));
		proto_add_int(out, 3, number_of(e, f->system_name));
		proto_add_int(out, 4, number_of(e, f->filename));
		proto_add_int(out, 5, f->start_line);
		add_message(e->out, 5, out);
	}
}

static void encode_header(struct encoder *e)
{
	const struct pp *pp = e->pp;
	struct vec comments = VEC_OF(uint64_t);

	for (size_t i = 0; i < e->strings.n; i++) {
		const struct intern_entry *s = intern_get(
			pp->strings, *(string_id *)vec_at(&e->strings, i));

		proto_add_bytes(e->out, 6, s->bytes, s->len);
	}
	proto_add_int(e->out, 7, number_of(e, pp->drop_frames));
	proto_add_int(e->out, 8, number_of(e, pp->keep_frames));
	proto_add_int(e->out, 9, pp->time_ns);
	proto_add_int(e->out, 10, pp->duration_ns);
	if (pp->period_type.type || pp->period_type.unit)
		encode_type(e, 11, &pp->period_type);
	proto_add_int(e->out, 12, pp->period);
	for (size_t i = 0; i < pp->comments.n; i++)
		*(uint64_t *)vec_push(&comments) = (uint64_t)number_of(
			e, *(string_id *)vec_at(&pp->comments, i));
	encode_numbers(e, e->out, 13, comments.data, comments.n);
	vec_clear(&comments);
	proto_add_varint(e->out, 14 << 3);
	proto_add_varint(e->out, (uint64_t)number_of(e, pp->default_type));
	proto_add_int(e->out, 15, number_of(e, pp->doc_url));
}

void pp_encode(const struct pp *pp, struct strbuf *out)
{
	struct encoder e = { .pp = pp, .out = out,
			     .strings = VEC_OF(string_id) };

	e.numbers = xcalloc(pp->strings->entries.n, sizeof(*e.numbers));
	number_strings(&e);
	for (size_t i = 0; i < pp->types.n; i++)
		encode_type(&e, 1, vec_at(&pp->types, i));
	encode_samples(&e);
	encode_mappings(&e);
	encode_locations(&e);
	encode_functions(&e);
	encode_header(&e);
	strbuf_clear(&e.message);
	strbuf_clear(&e.inner);
	vec_clear(&e.strings);
	free(e.numbers);
}
