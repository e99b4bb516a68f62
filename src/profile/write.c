/* SPDX-License-Identifier: MIT */
/*
 * write.c - a profile as profile.proto (message perftools.profiles.Profile).
 *
 * Fields go out in the order of their numbers. Ids on disk are ours plus 1,
 * since 0 means "none" there; strings keep their ids.
 */
#include "profile/write.h"

#include "profile/proto.h"

/* Field numbers of the messages, as profile.proto has them. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING,
       PROFILE_LOCATION, PROFILE_FUNCTION, PROFILE_STRING,
       PROFILE_TIME = 9, PROFILE_DURATION, PROFILE_PERIOD_TYPE,
       PROFILE_PERIOD, PROFILE_COMMENT, PROFILE_DEFAULT_TYPE };
enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STR, LABEL_NUM, LABEL_NUM_UNIT };
enum { MAPPING_ID = 1, MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET,
       MAPPING_FILENAME, MAPPING_BUILD_ID, MAPPING_HAS_FUNCTIONS,
       MAPPING_HAS_FILENAMES, MAPPING_HAS_LINES, MAPPING_HAS_INLINES };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME,
       FUNCTION_FILENAME, FUNCTION_START_LINE };

#define GZIP_PIECE_BYTES 65536

struct proto_writer {
	const struct profile *profile;
	struct strbuf *out;
	struct strbuf message, part; /* reused for every message */
	struct gzip *gzip; /* takes @out whenever there is a piece, or NULL */
	struct strbuf *packed;
	struct error *error;
};

static void write_piece(struct proto_writer *w)
{
	if (!w->error)
		w->error = gzip_add(w->gzip, w->out->data, w->out->len,
				    w->packed);
	strbuf_reset(w->out);
}

static void write_field(struct proto_writer *w, unsigned number,
			const void *bytes, size_t len)
{
	proto_add_bytes(w->out, number, bytes, len);
	if (w->gzip && w->out->len >= GZIP_PIECE_BYTES)
		write_piece(w);
}

static void write_message(struct proto_writer *w, unsigned number)
{
	write_field(w, number, w->message.data, w->message.len);
	strbuf_reset(&w->message);
}

/* Append @w->part as field @number of the message that is being made. */
static void write_part(struct proto_writer *w, unsigned number)
{
	proto_add_bytes(&w->message, number, w->part.data, w->part.len);
	strbuf_reset(&w->part);
}

static void write_type(struct proto_writer *w, unsigned number,
		       const struct value_type *type)
{
	proto_add_int(&w->message, VALUE_TYPE_TYPE, type->type);
	proto_add_int(&w->message, VALUE_TYPE_UNIT, type->unit);
	write_message(w, number);
}

static void write_label(struct proto_writer *w,
			const struct profile_label *label)
{
	proto_add_int(&w->part, LABEL_KEY, label->key);
	proto_add_int(&w->part, LABEL_STR, label->str);
	if (!label->str) {
		proto_add_int(&w->part, LABEL_NUM, label->num);
		proto_add_int(&w->part, LABEL_NUM_UNIT, label->num_unit);
	}
	write_part(w, SAMPLE_LABEL);
}

static void write_sample(struct proto_writer *w,
			 const struct profile_sample *sample)
{
	const struct profile *profile = w->profile;
	const struct stack_tree *tree = &profile->stacks;
	const struct profile_label *labels;
	stack_id id = sample->stack;
	size_t n;

	for (; id != STACK_EMPTY; id = stack_callers(tree, id))
		proto_add_varint(&w->part, (uint64_t)stack_leaf(tree, id) + 1);
	if (sample->stack != STACK_EMPTY)
		write_part(w, SAMPLE_LOCATION);
	for (size_t i = 0; i < profile->n_types; i++)
		proto_add_varint(&w->part, (uint64_t)sample->values[i]);
	write_part(w, SAMPLE_VALUE);
	labels = profile_label_set(profile, sample->labels, &n);
	for (size_t i = 0; i < n; i++)
		write_label(w, &labels[i]);
	write_message(w, PROFILE_SAMPLE);
}

/* The id on disk: the main mapping is 1, the others follow in their order. */
static int64_t mapping_number(const struct profile *profile, uint32_t id)
{
	if (id == profile->main_mapping)
		return 1;
	return (int64_t)id + (id < profile->main_mapping ? 2 : 1);
}

static void write_mapping(struct proto_writer *w, uint32_t id)
{
	const struct profile_mapping *m = vec_at(&w->profile->mappings, id);
	struct strbuf *out = &w->message;

	proto_add_int(out, MAPPING_ID, mapping_number(w->profile, id));
	proto_add_int(out, MAPPING_START, (int64_t)m->start);
	proto_add_int(out, MAPPING_LIMIT, (int64_t)m->limit);
	proto_add_int(out, MAPPING_OFFSET, (int64_t)m->offset);
	proto_add_int(out, MAPPING_FILENAME, m->filename);
	proto_add_int(out, MAPPING_BUILD_ID, m->build_id);
	proto_add_int(out, MAPPING_HAS_FUNCTIONS, m->has_functions);
	proto_add_int(out, MAPPING_HAS_FILENAMES, m->has_filenames);
	proto_add_int(out, MAPPING_HAS_LINES, m->has_line_numbers);
	proto_add_int(out, MAPPING_HAS_INLINES, m->has_inline_frames);
	write_message(w, PROFILE_MAPPING);
}

static void write_location(struct proto_writer *w, uint32_t id)
{
	const struct profile_location *l =
		vec_at(&w->profile->locations, id);

	proto_add_int(&w->message, LOCATION_ID, (int64_t)id + 1);
	if (l->mapping != NO_ID)
		proto_add_int(&w->message, LOCATION_MAPPING,
			      mapping_number(w->profile, l->mapping));
	proto_add_int(&w->message, LOCATION_ADDRESS, (int64_t)l->address);
	for (uint32_t i = 0; i < l->n_lines; i++) {
		const struct profile_line *line =
			vec_at(&w->profile->lines, l->first_line + i);

		proto_add_int(&w->part, LINE_FUNCTION,
			      (int64_t)line->function + 1);
		proto_add_int(&w->part, LINE_LINE, line->line);
		write_part(w, LOCATION_LINE);
	}
	write_message(w, PROFILE_LOCATION);
}

static void write_function(struct proto_writer *w, uint32_t id)
{
	const struct profile_function *f =
		vec_at(&w->profile->functions, id);

	proto_add_int(&w->message, FUNCTION_ID, (int64_t)id + 1);
	proto_add_int(&w->message, FUNCTION_NAME, f->name);
	proto_add_int(&w->message, FUNCTION_SYSTEM_NAME, f->system_name);
	proto_add_int(&w->message, FUNCTION_FILENAME, f->filename);
	proto_add_int(&w->message, FUNCTION_START_LINE, f->start_line);
	write_message(w, PROFILE_FUNCTION);
}

static void write_tables(struct proto_writer *w)
{
	const struct profile *profile = w->profile;

	for (size_t i = 0; i < profile->n_types; i++)
		write_type(w, PROFILE_SAMPLE_TYPE, &profile->types[i]);
	for (size_t i = 0; i < profile->samples.n; i++)
		write_sample(w, vec_at(&profile->samples, i));
	if (profile->main_mapping < profile->mappings.n)
		write_mapping(w, profile->main_mapping);
	for (uint32_t i = 0; i < profile->mappings.n; i++)
		if (i != profile->main_mapping)
			write_mapping(w, i);
	for (uint32_t i = 0; i < profile->locations.n; i++)
		write_location(w, i);
	for (uint32_t i = 0; i < profile->functions.n; i++)
		write_function(w, i);
	for (uint32_t i = 0; i < profile->strings.entries.n; i++) {
		const struct intern_entry *e =
			intern_get(&profile->strings, i);

		write_field(w, PROFILE_STRING, e->bytes, e->len);
	}
}

static void write_comments(struct proto_writer *w)
{
	const struct vec *comments = &w->profile->comments;

	for (size_t i = 0; i < comments->n; i++)
		proto_add_varint(&w->message,
				 *(string_id *)vec_at(comments, i));
	if (comments->n)
		write_message(w, PROFILE_COMMENT);
}

static void write_profile(struct proto_writer *w)
{
	const struct profile *profile = w->profile;

	write_tables(w);
	proto_add_int(w->out, PROFILE_TIME, profile->time_ns);
	proto_add_int(w->out, PROFILE_DURATION, profile->duration_ns);
	if (profile->period_type.type)
		write_type(w, PROFILE_PERIOD_TYPE, &profile->period_type);
	proto_add_int(w->out, PROFILE_PERIOD, profile->period);
	write_comments(w);
	proto_add_int(w->out, PROFILE_DEFAULT_TYPE, profile->default_type);
	strbuf_clear(&w->message);
	strbuf_clear(&w->part);
}

void profile_write_proto(const struct profile *profile, struct strbuf *out)
{
	struct proto_writer w = { .profile = profile, .out = out };

	write_profile(&w);
}

/* In pieces: as a whole it would take several times what the tables do. */
struct error *profile_write_pprof(const struct profile *profile,
				  struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf piece = { 0 };
	CLEANUP(gzip_free) struct gzip *gzip = gzip_new();
	struct proto_writer w = { .profile = profile, .out = &piece,
				  .gzip = gzip, .packed = out };

	write_profile(&w);
	write_piece(&w);
	return w.error ? w.error : gzip_end(gzip, out);
}
