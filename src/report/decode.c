/* SPDX-License-Identifier: MIT */
/*
 * decode.c - a profile.proto into tables; every byte of it is hostile.
 *
 * Two passes over the outermost fields, since any order is allowed and Go
 * writes the strings last: first all tables, then the samples.
 */
#include "report/decode.h"

#include "profile/text.h"

void id_map_init(struct id_map *map, size_t n)
{
	*map = (struct id_map){ .n_dense = n + 1 };
	map->dense = xreallocarray(NULL, n + 1, sizeof(*map->dense));
	memset(map->dense, 0xff, (n + 1) * sizeof(*map->dense));
}

void id_map_clear(struct id_map *map)
{
	free(map->dense);
	map_clear(&map->sparse);
}

uint32_t id_map_get(const struct id_map *map, uint64_t id)
{
	return id < map->n_dense ? map->dense[id] : map_get(&map->sparse, id);
}

bool id_map_add(struct id_map *map, uint64_t id, uint32_t index)
{
	if (id_map_get(map, id) != NO_ID)
		return false;
	if (id < map->n_dense)
		map->dense[id] = index;
	else
		map_put(&map->sparse, id, index);
	return true;
}

void decoder_fail(struct decoder *d, const char *fmt, ...)
{
	va_list ap;
	char *text;

	if (d->error)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	d->error = error_new("malformed profile: %s", text);
	free(text);
}

string_id decoder_string(struct decoder *d, int64_t index)
{
	if (index >= 0 && (uint64_t)index < d->strings.n)
		return *(string_id *)vec_at(&d->strings, (size_t)index);
	decoder_fail(d, "there is no string %lld", (long long)index);
	return 0;
}

/* NUL bytes and what is not UTF-8 become U+FFFD. */
static void decode_string(struct decoder *d, const struct wire *w)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };
	size_t len = (size_t)(w->bytes_end - w->bytes);
	string_id *id = vec_push(&d->strings);

	if (w->type != WIRE_TYPE_BYTES)
		decoder_fail(d, "a string is damaged");
	strbuf_add(&text, w->bytes, len);
	for (size_t i = 0; i < len; i++)
		if (!text.data[i])
			text.data[i] = '\xff';
	if (utf8_is_valid(text.data)) {
		*id = intern_bytes(d->pp->strings, text.data, len);
	} else {
		utf8_add_repaired(&repaired, text.data);
		*id = intern_bytes(d->pp->strings, repaired.data,
				   repaired.len);
	}
	if (d->strings.n == 1 && len)
		decoder_fail(d, "string_table[0] must be ''");
}

static struct pp_type decode_type(struct decoder *d, struct wire w)
{
	int64_t type = 0, unit = 0;

	while (wire_next(&w)) {
		if (w.number == 1)
			type = wire_int(&w);
		else if (w.number == 2)
			unit = wire_int(&w);
	}
	if (w.is_bad)
		decoder_fail(d, "a value type is damaged");
	return (struct pp_type){ decoder_string(d, type),
				 decoder_string(d, unit) };
}

static void decode_mapping(struct decoder *d, struct wire w)
{
	uint32_t index = (uint32_t)d->pp->mappings.n;
	struct pp_mapping *m = vec_push(&d->pp->mappings);
	int64_t file = 0, build_id = 0;

	while (wire_next(&w)) {
		switch (w.number) {
		case 1: m->id = wire_uint(&w); break;
		case 2: m->start = wire_uint(&w); break;
		case 3: m->limit = wire_uint(&w); break;
		case 4: m->offset = wire_uint(&w); break;
		case 5: file = wire_int(&w); break;
		case 6: build_id = wire_int(&w); break;
		case 7: m->has_functions = wire_uint(&w); break;
		case 8: m->has_filenames = wire_uint(&w); break;
		case 9: m->has_line_numbers = wire_uint(&w); break;
		case 10: m->has_inline_frames = wire_uint(&w); break;
		default: break;
		}
	}
	m->file = decoder_string(d, file);
	m->build_id = decoder_string(d, build_id);
	if (w.is_bad)
		decoder_fail(d, "a mapping is damaged");
	if (!m->id)
		decoder_fail(d, "found mapping with reserved ID=0");
	if (!id_map_add(&d->mapping_ids, m->id, index))
		decoder_fail(d, "multiple mappings with same id: %llu",
			     (unsigned long long)m->id);
}

static void decode_function(struct decoder *d, struct wire w)
{
	uint32_t index = (uint32_t)d->pp->functions.n;
	struct pp_function *f = vec_push(&d->pp->functions);
	int64_t name = 0, system_name = 0, filename = 0;

	while (wire_next(&w)) {
		switch (w.number) {
		case 1: f->id = wire_uint(&w); break;
		case 2: name = wire_int(&w); break;
		case 3: system_name = wire_int(&w); break;
		case 4: filename = wire_int(&w); break;
		case 5: f->start_line = wire_int(&w); break;
		default: break;
		}
	}
	f->name = decoder_string(d, name);
	f->system_name = decoder_string(d, system_name);
	f->filename = decoder_string(d, filename);
	if (w.is_bad)
		decoder_fail(d, "a function is damaged");
	if (!f->id)
		decoder_fail(d, "found function with reserved ID=0");
	if (!id_map_add(&d->function_ids, f->id, index))
		decoder_fail(d, "multiple functions with same id: %llu",
			     (unsigned long long)f->id);
}

static void decode_line(struct decoder *d, struct wire w, uint64_t location)
{
	struct pp_line *line = vec_push(&d->pp->lines);
	uint64_t function = 0;

	while (wire_next(&w)) {
		switch (w.number) {
		case 1: function = wire_uint(&w); break;
		case 2: line->line = wire_int(&w); break;
		case 3: line->column = wire_int(&w); break;
		default: break;
		}
	}
	line->function = id_map_get(&d->function_ids, function);
	if (w.is_bad)
		decoder_fail(d, "a line is damaged");
	if (line->function == NO_ID)
		decoder_fail(d, "location id: %llu has a line with nil "
				"function", (unsigned long long)location);
}

/* A mapping that is not there is none, as in pprof. */
static void decode_location(struct decoder *d, struct wire w)
{
	uint32_t index = (uint32_t)d->pp->locations.n;
	struct pp_location *l = vec_push(&d->pp->locations);
	uint64_t mapping = 0;

	l->first_line = (uint32_t)d->pp->lines.n;
	while (wire_next(&w)) {
		switch (w.number) {
		case 1: l->id = wire_uint(&w); break;
		case 2: mapping = wire_uint(&w); break;
		case 3: l->address = wire_uint(&w); break;
		case 4: decode_line(d, wire_message(&w), l->id); break;
		case 5: l->is_folded = wire_uint(&w); break;
		default: break;
		}
	}
	l->n_lines = (uint32_t)d->pp->lines.n - l->first_line;
	l->mapping = id_map_get(&d->mapping_ids, mapping);
	if (w.is_bad)
		decoder_fail(d, "a location is damaged");
	if (!l->id)
		decoder_fail(d, "found location with reserved id=0");
	if (!id_map_add(&d->location_ids, l->id, index))
		decoder_fail(d, "multiple locations with same id: %llu",
			     (unsigned long long)l->id);
}

static void decode_comments(struct decoder *d, struct wire *w)
{
	struct wire packed = { .at = w->bytes, .end = w->bytes_end };

	if (w->type != WIRE_TYPE_BYTES) {
		*(string_id *)vec_push(&d->pp->comments) =
			decoder_string(d, wire_int(w));
		return;
	}
	while (packed.at < packed.end && !packed.is_bad && !d->error) {
		int64_t index = (int64_t)wire_varint(&packed);

		*(string_id *)vec_push(&d->pp->comments) =
			decoder_string(d, index);
	}
	w->is_bad |= packed.is_bad;
}

/* Fields of the profile that are no table. */
static void decode_header_field(struct decoder *d, struct wire *w)
{
	struct pp *pp = d->pp;

	switch (w->number) {
	case 1:
		*(struct pp_type *)vec_push(&pp->types) =
			decode_type(d, wire_message(w));
		break;
	case 7: pp->drop_frames = decoder_string(d, wire_int(w)); break;
	case 8: pp->keep_frames = decoder_string(d, wire_int(w)); break;
	case 9:
		if (pp->time_ns)
			decoder_fail(d, "concatenated profiles detected");
		pp->time_ns = wire_int(w);
		break;
	case 10: pp->duration_ns = wire_int(w); break;
	case 11: pp->period_type = decode_type(d, wire_message(w)); break;
	case 12: pp->period = wire_int(w); break;
	case 13: decode_comments(d, w); break;
	case 14: pp->default_type = decoder_string(d, wire_int(w)); break;
	case 15: pp->doc_url = decoder_string(d, wire_int(w)); break;
	default: break;
	}
}

/* Count what the id maps must hold, and read the strings. */
static void decode_pass_strings(struct decoder *d, struct wire w)
{
	size_t n[6] = { 0 };

	while (!d->error && wire_next(&w)) {
		if (w.number == 6)
			decode_string(d, &w);
		else if (w.number < ARRAY_SIZE(n))
			n[w.number]++;
	}
	if (w.is_bad)
		decoder_fail(d, "it ends in the middle, or is no profile");
	if (!d->strings.n)
		decoder_fail(d, "it has no strings");
	id_map_init(&d->mapping_ids, n[3]);
	id_map_init(&d->location_ids, n[4]);
	id_map_init(&d->function_ids, n[5]);
}

/* The tables without samples; locations come after what they refer to. */
static void decode_pass_tables(struct decoder *d, struct wire w,
			       bool is_locations)
{
	while (!d->error && wire_next(&w)) {
		if (is_locations) {
			if (w.number == 4)
				decode_location(d, wire_message(&w));
			continue;
		}
		if (w.number == 3)
			decode_mapping(d, wire_message(&w));
		else if (w.number == 5)
			decode_function(d, wire_message(&w));
		else
			decode_header_field(d, &w);
	}
	if (w.is_bad)
		decoder_fail(d, "a field has the wrong type");
}

static void decode_pass_samples(struct decoder *d, struct wire w)
{
	while (!d->error && wire_next(&w)) {
		if (w.number != 2)
			continue;
		if (!d->pp->types.n)
			decoder_fail(d, "missing sample type information");
		else
			decode_sample(d, wire_message(&w));
	}
	if (w.is_bad)
		decoder_fail(d, "a sample has the wrong type");
}

struct error *decode_profile(struct pp *pp, const void *data, size_t len)
{
	struct decoder d = {
		.pp = pp,
		.strings = VEC_OF(string_id),
		.values = VEC_OF(int64_t),
		.frames = VEC_OF(uint32_t),
		.labels = VEC_OF(struct pp_label),
	};
	struct wire w = { .at = data, .end = (const uint8_t *)data + len };

	decode_pass_strings(&d, w);
	decode_pass_tables(&d, w, false);
	decode_pass_tables(&d, w, true);
	decode_pass_samples(&d, w);
	vec_clear(&d.strings);
	vec_clear(&d.values);
	vec_clear(&d.frames);
	vec_clear(&d.labels);
	id_map_clear(&d.mapping_ids);
	id_map_clear(&d.function_ids);
	id_map_clear(&d.location_ids);
	return d.error;
}
