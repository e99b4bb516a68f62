/* SPDX-License-Identifier: MIT */
/*
 * legacy_java.c - heapz and contentionz of Java programs, with names.
 *
 *	--- heapz 1 ---
 *	format = java
 *	resolution = bytes
 *	 7048 1 @ 0x00000003 0x00000004
 *	 0x00000003 com.example.function003 (Source003.java:103)
 *	 0x00000004 GC
 *
 * Bytes come before objects. Addresses are nothing but keys of names.
 */
#include <ctype.h>

#include "profile/text.h"
#include "report/legacy.h"
#include "report/wrap.h"

#define BLANKS " \t\n\v\f\r"
#define JAVA_HEAP_RATE 524288
#define NS_PER_MS 1000000

/* --- names -------------------------------------------------------------- */

struct java_function {
	string_id name, file;
	uint32_t index; /* in the profile, or NO_ID */
};

struct java_line { /* of a location */
	int64_t line;
	uint32_t function; /* NO_ID: no name was found */
};

struct java_names {
	struct legacy *legacy;
	struct vec functions; /* struct java_function */
	struct map by_name;   /* string_id -> function */
	struct java_line *lines;
};

struct java_text { /* "function (file:12)" */
	const char *name, *file;
	size_t n_name, n_file;
	int64_t line;
};

static string_id make_string(struct pp *pp, const char *text, size_t n)
{
	CLEANUP(free) char *copy = xstrndup(text, n);
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };

	utf8_add_repaired(&repaired, copy);
	return pp_string(pp, repaired.len ? repaired.data : "");
}

/* The last " (" before @end with anything behind it, or NULL. */
static const char *find_open(const char *text, const char *end)
{
	for (const char *p = end; p > text + 1; p--)
		if (p[-1] == '(' && isspace((unsigned char)p[-2]))
			return p;
	return NULL;
}

/* "(Source.java:12)" */
static bool split_file_line(const char *text, struct java_text *out)
{
	const char *end = text + strlen(text) - 1, *digits = end, *open;

	while (digits > text && isdigit((unsigned char)digits[-1]))
		digits--;
	if (digits == end)
		return false;
	if (!text_int(digits, &out->line) || digits[-1] == '-')
		out->line = 0;
	digits -= digits > text && digits[-1] == '-';
	if (digits <= text || digits[-1] != ':')
		return false;
	open = find_open(text, digits - 2);
	if (!open)
		return false;
	out->file = open;
	out->n_file = (size_t)(digits - 1 - open);
	out->n_name = (size_t)(open - 2 - text);
	return true;
}

/* "(/lib/libjvm.so)": only the last part of it is of interest. */
static bool split_path(const char *text, struct java_text *out)
{
	const char *end = text + strlen(text) - 1;
	const char *open = find_open(text, end);

	if (!open)
		return false;
	out->n_name = (size_t)(open - 2 - text);
	out->line = 0;
	while (end > open + 1 && end[-1] == '/')
		end--;
	out->file = end;
	while (out->file > open && out->file[-1] != '/')
		out->file--;
	if (out->file == end && end > open)
		out->file--; /* of "/" nothing else is left */
	out->n_file = (size_t)(end - out->file);
	if (end == open) {
		out->file = ".";
		out->n_file = 1;
	}
	return true;
}

static struct java_text split_text(const char *text)
{
	struct java_text t = { .name = text, .n_name = strlen(text),
			       .file = "" };
	bool is_closed = t.n_name && text[t.n_name - 1] == ')';

	if (is_closed && (split_file_line(text, &t) || split_path(text, &t)))
		return t;
	if (strstr(text, "generated stub/JIT")) {
		t.name = "STUB";
		t.n_name = 4;
	}
	return t;
}

static uint32_t java_function(struct java_names *names,
			      const struct java_text *text)
{
	struct pp *pp = names->legacy->pp;
	string_id name = make_string(pp, text->name, text->n_name);
	uint32_t index = map_get(&names->by_name, name);
	struct java_function *function;

	if (index != NO_ID)
		return index;
	index = (uint32_t)names->functions.n;
	function = vec_push(&names->functions);
	function->name = name;
	function->file = make_string(pp, text->file, text->n_file);
	function->index = NO_ID;
	map_put(&names->by_name, name, index);
	return index;
}

/* " 0x00000003 NAME"; what no sample has is passed over. */
static bool read_name(struct java_names *names, const char *line)
{
	struct java_text text;
	uint64_t address;
	uint32_t location;
	size_t n;

	if (strncmp(line, "0x", 2) != 0)
		return true;
	line += 2;
	n = strspn(line, "0123456789abcdefABCDEF");
	if (!n || !line[n] || !strchr(BLANKS, line[n]))
		return true;
	if (!text_hex(line, &address))
		return false;
	location = map_get(&names->legacy->locations, address);
	if (location == NO_ID)
		return true;
	text = split_text(line + n + strspn(line + n, BLANKS));
	names->lines[location].function = java_function(names, &text);
	names->lines[location].line = text.line;
	return true;
}

/* Functions are numbered as they come up in the locations. */
static uint32_t number_function(struct java_names *names, uint32_t id)
{
	struct java_function *from = vec_at(&names->functions, id);
	struct pp *pp = names->legacy->pp;
	struct pp_function *function;

	if (from->index != NO_ID)
		return from->index;
	from->index = (uint32_t)pp->functions.n;
	function = vec_push(&pp->functions);
	function->id = from->index + 1;
	function->name = function->system_name = from->name;
	function->filename = from->file;
	return from->index;
}

static void attach_names(struct java_names *names)
{
	struct pp *pp = names->legacy->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct pp_location *location = vec_at(&pp->locations, i);
		struct pp_line *line;

		if (names->lines[i].function == NO_ID)
			continue;
		location->address = 0;
		location->first_line = (uint32_t)pp->lines.n;
		location->n_lines = 1;
		line = vec_push(&pp->lines);
		line->line = names->lines[i].line;
		line->function = number_function(names,
						 names->lines[i].function);
	}
}

static enum legacy_outcome read_names(struct java_names *names,
				      struct lines *lines)
{
	struct legacy *legacy = names->legacy;
	struct pp *pp = legacy->pp;
	enum legacy_outcome outcome;

	while (lines_next(lines))
		if (!read_name(names, lines->text))
			return legacy_fail_line(legacy, lines);
	if (lines->is_too_long)
		return legacy_fail_line(legacy, lines);
	attach_names(names);
	outcome = legacy_find_mappings(legacy);
	for (size_t i = 0; i < pp->locations.n; i++)
		((struct pp_location *)vec_at(&pp->locations, i))->address = 0;
	return outcome;
}

enum legacy_outcome legacy_read_java_names(struct legacy *legacy,
					   const char *at)
{
	struct java_names names = { .legacy = legacy,
				    .functions = VEC_OF(struct java_function) };
	struct lines lines = { .at = at, .end = legacy->data + legacy->len };
	enum legacy_outcome outcome = legacy_make_samples(legacy);
	size_t n = legacy->pp->locations.n;

	if (outcome != LEGACY_DONE)
		return outcome;
	names.lines = xcalloc(n, sizeof(*names.lines));
	for (size_t i = 0; i < n; i++)
		names.lines[i].function = NO_ID;
	outcome = read_names(&names, &lines);
	lines_clear(&lines);
	free(names.lines);
	vec_clear(&names.functions);
	map_clear(&names.by_name);
	return outcome;
}

/* --- heapz and contentionz ---------------------------------------------- */

struct java {
	struct legacy *legacy;
	bool is_heap;
	const char *line_at; /* where the current line starts */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == ' ';
}

/* "sampling period = 100": words on both sides of the first sign that has. */
static char *split_attribute(const char *line, char **out_value)
{
	for (const char *p = line; (p = strchr(p, '=')); p++) {
		const char *start = p, *end = p + 1;

		while (start > line && is_word(start[-1]))
			start--;
		while (is_word(*end))
			end++;
		if (start == p || end == p + 1)
			continue;
		start += strspn(start, " ");
		*out_value = xstrndup(p + 1, (size_t)(end - p - 1));
		return xstrndup(start, (size_t)(p - start));
	}
	return NULL;
}

static void trim(char *text)
{
	size_t skipped = strspn(text, " "), n = strlen(text);

	while (n > skipped && text[n - 1] == ' ')
		n--;
	memmove(text, text + skipped, n - skipped);
	text[n - skipped] = '\0';
}

static enum legacy_outcome set_attribute(struct java *java, const char *name,
					 const char *value)
{
	struct pp *pp = java->legacy->pp;
	const char *const types[] = {
		java->is_heap ? "inuse_objects" : "contentions",
		java->is_heap ? "inuse_space" : "delay",
	};
	int64_t ms;

	if (!strcmp(name, "format"))
		return strcmp(value, "java") ? LEGACY_OTHER : LEGACY_DONE;
	if (!strcmp(name, "resolution")) {
		pp->types.n = 0;
		legacy_add_type(java->legacy, types[0], "count");
		legacy_add_type(java->legacy, types[1], value);
		return LEGACY_DONE;
	}
	if (!java->is_heap && !strcmp(name, "sampling period")) {
		legacy_set_period(java->legacy, "contentions", "count", 0);
		return text_int_any_base(value, &pp->period) ?
			       LEGACY_DONE : LEGACY_BROKEN;
	}
	if (!java->is_heap && !strcmp(name, "ms since reset")) {
		if (!text_int_any_base(value, &ms))
			return LEGACY_BROKEN;
		pp->duration_ns = wrap_mul(ms, NS_PER_MS);
		return LEGACY_DONE;
	}
	return LEGACY_OTHER;
}

static bool java_next(struct java *java, struct lines *lines)
{
	java->line_at = lines->at;
	return lines_next(lines);
}

/* Up to the first line that is no attribute, which stays the current one. */
static enum legacy_outcome read_attributes(struct java *java,
					   struct lines *lines)
{
	enum legacy_outcome outcome = LEGACY_DONE;

	while (outcome == LEGACY_DONE && java_next(java, lines)) {
		CLEANUP(free) char *value = NULL;
		CLEANUP(free) char *name = NULL;

		if (!*lines->text)
			continue;
		name = split_attribute(lines->text, &value);
		if (!name)
			break;
		trim(name);
		trim(value);
		outcome = set_attribute(java, name, value);
	}
	return outcome == LEGACY_BROKEN ?
		       legacy_fail_line(java->legacy, lines) : outcome;
}

static bool scale_sample(const struct java *java, struct legacy_sample *sample)
{
	int64_t *values = sample->values;
	int64_t period = java->legacy->pp->period;

	if (java->is_heap) {
		if (!values[0])
			return false;
		sample->has_block = true;
		sample->block_bytes = wrap_div(values[1], values[0]);
		legacy_scale(&values[0], &values[1], JAVA_HEAP_RATE);
	} else if (period) {
		values[0] = wrap_mul(values[0], period);
		values[1] = wrap_mul(values[1], period);
	}
	return true;
}

/* LEGACY_OTHER: no sample, so that the names begin here. */
static enum legacy_outcome read_sample(struct java *java,
				       const struct lines *lines)
{
	const char *numbers[2];
	const char *addresses = text_find(lines->text, " #+#+@+", numbers);
	CLEANUP(free) char *list = NULL;
	struct legacy_sample *sample;

	if (!addresses)
		return LEGACY_OTHER;
	sample = legacy_add_sample(java->legacy);
	list = xstrndup(addresses, strspn(addresses, " x0123456789abcdef"));
	if (!text_int_any_base(numbers[1], &sample->values[0]) ||
	    !text_int_any_base(numbers[0], &sample->values[1]) ||
	    !legacy_add_addresses(java->legacy, list, 0) ||
	    !scale_sample(java, sample))
		return legacy_fail_line(java->legacy, lines);
	return LEGACY_DONE;
}

static enum legacy_outcome read_java(struct java *java, struct lines *lines)
{
	enum legacy_outcome outcome = read_attributes(java, lines);

	if (outcome != LEGACY_DONE)
		return outcome;
	/* Of a line that is too long the reader of names will tell. */
	while (outcome == LEGACY_DONE && java->line_at < lines->end &&
	       !lines->is_too_long) {
		if (*lines->text)
			outcome = read_sample(java, lines);
		if (outcome == LEGACY_DONE)
			java_next(java, lines);
	}
	return outcome == LEGACY_BROKEN ?
		       outcome :
		       legacy_read_java_names(java->legacy, java->line_at);
}

enum legacy_outcome legacy_read_java(struct legacy *legacy)
{
	struct lines lines = { .at = legacy->data,
			       .end = legacy->data + legacy->len };
	struct java java = { .legacy = legacy };
	enum legacy_outcome outcome = LEGACY_OTHER;

	/* A last line that is not ended is none of samples, only of names. */
	while (lines.end > lines.at && lines.end[-1] != '\n')
		lines.end--;
	if (java_next(&java, &lines)) {
		java.is_heap = !strcmp(lines.text, "--- heapz 1 ---");
		if (java.is_heap ||
		    !strcmp(lines.text, "--- contentionz 1 ---"))
			outcome = read_java(&java, &lines);
	}
	lines_clear(&lines);
	return outcome;
}
