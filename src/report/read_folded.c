/* SPDX-License-Identifier: MIT */
/*
 * read_folded.c - folded stacks, as flamegraph.pl and its kin take them.
 *
 *	main;parse;read_line 12
 *
 * Each name becomes a function with one location. Names may hold blanks; the
 * number behind the last one is the value, and a fraction is cut off.
 */
#include <errno.h>

#include "profile/text.h"
#include "report/read.h"

struct folded {
	struct pp *pp;
	struct map locations; /* string_id -> location */
	struct vec frames;    /* uint32_t, root first */
};

/* The value at the end of the line; *@out_len is what stands before it. */
static bool folded_split(const char *line, size_t len, size_t *out_len,
			 int64_t *out_value)
{
	char number[32];
	char *end;
	size_t at = len;

	while (at && line[at - 1] != ' ' && line[at - 1] != '\t')
		at--;
	if (at < 2 || at == len || len - at >= sizeof(number))
		return false;
	memcpy(number, line + at, len - at);
	number[len - at] = '\0';
	errno = 0;
	*out_value = strtoll(number, &end, 10);
	if (end == number || errno)
		return false;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	while (at > 1 && line[at - 1] == ' ')
		at--;
	*out_len = at;
	return !*end;
}

/*
 * Only these are to be made readable: whoever folds stacks has names for
 * people, which hold what he wants them to, also "<" and "(".
 */
static bool is_mangled(const char *name)
{
	return !strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2);
}

static uint32_t folded_location(struct folded *folded, const char *name,
				size_t len)
{
	struct pp *pp = folded->pp;
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };
	CLEANUP(free) char *copy = xstrndup(name, len);
	string_id id;
	uint32_t index;
	struct pp_location *location;
	struct pp_function *function;
	struct pp_line *line;

	utf8_add_repaired(&repaired, copy);
	id = pp_string(pp, repaired.data ? repaired.data : "");
	index = map_get(&folded->locations, id);
	if (index != NO_ID)
		return index;
	index = (uint32_t)pp->locations.n;
	function = vec_push(&pp->functions);
	function->id = index + 1;
	function->name = id;
	function->system_name = is_mangled(copy) ? id : 0;
	line = vec_push(&pp->lines);
	line->function = index;
	location = vec_push(&pp->locations);
	location->id = index + 1;
	location->mapping = NO_ID;
	location->first_line = index;
	location->n_lines = 1;
	map_put(&folded->locations, id, index);
	return index;
}

static void folded_add_line(struct folded *folded, const char *line,
			    size_t len, int64_t value)
{
	uint32_t *frames;
	size_t n;

	folded->frames.n = 0;
	for (;;) {
		const char *end = memchr(line, ';', len);
		size_t name = end ? (size_t)(end - line) : len;

		*(uint32_t *)vec_push(&folded->frames) =
			folded_location(folded, line, name);
		if (!end)
			break;
		line += name + 1;
		len -= name + 1;
	}
	frames = folded->frames.data;
	n = folded->frames.n;
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t swap = frames[i];

		frames[i] = frames[n - 1 - i];
		frames[n - 1 - i] = swap;
	}
	*pp_sample(folded->pp, pp_stack(folded->pp, frames, n), 0) = value;
}

static size_t line_length(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	return n && text[n - 1] == '\r' ? n - 1 : n;
}

bool folded_starts_at(const char *text, size_t len)
{
	size_t n = line_length(text, len), name;
	int64_t value;

	return !memchr(text, '\0', n) && folded_split(text, n, &name, &value);
}

struct error *pp_read_folded(struct pp *pp, const char *text, size_t len)
{
	struct folded folded = { .pp = pp, .frames = VEC_OF(uint32_t) };
	struct pp_type type = { pp_string(pp, "samples"),
				pp_string(pp, "count") };
	struct error *error = NULL;
	unsigned long number = 1;

	*(struct pp_type *)vec_push(&pp->types) = type;
	for (size_t at = 0; at < len && !error; number++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = line_length(text + at, len - at), name;
		int64_t value;

		if (folded_split(text + at, n, &name, &value))
			folded_add_line(&folded, text + at, name, value);
		else if (n)
			error = error_new("line %lu is no folded stack "
					  "(a;b;c 12)", number);
		at = end ? (size_t)(end - text) + 1 : len;
	}
	map_clear(&folded.locations);
	vec_clear(&folded.frames);
	return error;
}
