/* SPDX-License-Identifier: MIT */
/*
 * legacy_maps.c - the list of mapped files at the end of an old profile.
 *
 *	00400000-0040b000 r-xp 00000000 08:01 1573 /bin/cat
 *	40000-80000 /bin/cat (@ff00) abc123456
 *	build=/usr/local		 and from here on $build is /usr/local
 *
 * The lines may have the prefix of a log ("x.cc:12] "). What they mean, and
 * how they are put right, is pprof's.
 */
#include "profile/text.h"
#include "report/legacy.h"

#define BLANKS " \t\n\f\r"
#define HEX "0123456789abcdefABCDEF"
#define DIGITS "0123456789"
#define MAIN_START 0x400000 /* of a program that is not relocated */
/* Comparisons of addresses with mappings, before it takes seconds. */
#define SEARCH_STEPS_MAX ((uint64_t)1 << 29)
#define LINE_BYTES_MAX 65536
#define VARIABLES_MAX 64

struct variable {
	char *name, *value; /* the name with its '$' */
};

struct entry { /* where its parts are in a line */
	const char *start, *limit, *perm, *offset, *file, *build_id;
	size_t n_perm, n_file, n_build_id;
};

/* Behind at least one blank, what follows is made of @set: its length. */
static size_t scan_part(const char **p, const char *set, const char **out)
{
	size_t n_blanks = strspn(*p, BLANKS), n;

	*out = *p + n_blanks;
	n = n_blanks ? strspn(*out, set) : 0;
	if (n)
		*p = *out + n;
	return n;
}

static size_t scan_word(const char **p, const char **out)
{
	size_t n_blanks = strspn(*p, BLANKS), n;

	*out = *p + n_blanks;
	n = n_blanks ? strcspn(*out, BLANKS) : 0;
	if (n)
		*p = *out + n;
	return n;
}

/* " 08:01", the device */
static bool scan_pair(const char **p)
{
	const char *part;

	if (!scan_part(p, HEX, &part) || **p != ':')
		return false;
	*p += 1 + strspn(*p + 1, HEX);
	return (*p)[-1] != ':';
}

static bool scan_kernel_entry(const char *p, struct entry *e)
{
	const char *with_offset, *part;

	e->n_perm = scan_part(&p, "-rwxp", &e->perm);
	with_offset = p;
	e->offset = NULL;
	if (scan_part(&with_offset, HEX, &part)) {
		const char *pair = with_offset;

		if (scan_pair(&pair)) {
			e->offset = part;
			p = with_offset;
		}
	}
	if (!scan_pair(&p) || !scan_part(&p, DIGITS, &part))
		return false;
	e->n_file = scan_word(&p, &e->file);
	return true;
}

static void scan_brief_entry(const char *p, struct entry *e)
{
	const char *at;

	e->n_perm = scan_part(&p, "-rwxp", &e->perm);
	e->n_file = scan_word(&p, &e->file);
	e->offset = NULL;
	at = p + strspn(p, BLANKS);
	if (at > p && at[0] == '(' && at[1] == '@') {
		size_t n = strspn(at + 2, HEX);

		if (n && at[2 + n] == ')') {
			e->offset = at + 2;
			p = at + 2 + n + 1;
		}
	}
	e->n_build_id = scan_part(&p, HEX, &e->build_id);
}

/* "0x40000-0x80000:"; the second number may follow without anything. */
static const char *scan_range(const char *p, bool is_joined, struct entry *e)
{
	size_t n;

	p += strspn(p, BLANKS);
	if (p[0] == '0' && p[1] == 'x' && strspn(p + 2, HEX))
		p += 2;
	e->start = p;
	n = strspn(p, HEX);
	if (is_joined) {
		if (n < 2)
			return NULL;
		p += n - 1;
	} else {
		if (!n)
			return NULL;
		p += n;
		if (*p && strchr(BLANKS "-", *p))
			p++;
		p += strspn(p, BLANKS);
	}
	if (p[0] == '0' && p[1] == 'x' && strspn(p + 2, HEX))
		p += 2;
	e->limit = p;
	n = strspn(p, HEX);
	p += n;
	return n ? p + (*p == ':') : NULL;
}

static bool scan_entry(const char *line, struct entry *e)
{
	const char *ends[2];

	for (int joined = 0; joined < 2; joined++) {
		*e = (struct entry){ 0 };
		ends[joined] = scan_range(line, joined, e);
		if (ends[joined] && scan_kernel_entry(ends[joined], e))
			return true;
	}
	for (int joined = 0; joined < 2; joined++) {
		*e = (struct entry){ 0 };
		if (!ends[joined])
			continue;
		scan_range(line, joined, e);
		scan_brief_entry(ends[joined], e);
		return true;
	}
	return false;
}

static string_id make_string(struct pp *pp, const char *text, size_t n)
{
	CLEANUP(free) char *copy = xstrndup(n ? text : "", n);
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };

	utf8_add_repaired(&repaired, copy);
	return pp_string(pp, repaired.len ? repaired.data : "");
}

/* False if it is no entry; one without code is, but is left out. */
static bool add_entry(struct pp *pp, const char *line)
{
	struct pp_mapping *mapping, m = { 0 };
	struct entry e;
	char start[20];

	if (!scan_entry(line, &e))
		return false;
	if (e.n_perm && !memchr(e.perm, 'x', e.n_perm))
		return true;
	/* The start may end where the limit begins. */
	if (e.limit > e.start && (size_t)(e.limit - e.start) < sizeof(start)) {
		memcpy(start, e.start, (size_t)(e.limit - e.start));
		start[e.limit - e.start] = '\0';
		e.start = start;
	}
	if (!text_hex(e.start, &m.start) || !text_hex(e.limit, &m.limit) ||
	    (e.offset && !text_hex(e.offset, &m.offset)))
		return false;
	mapping = vec_push(&pp->mappings);
	m.file = make_string(pp, e.file, e.n_file);
	m.build_id = make_string(pp, e.build_id, e.n_build_id);
	*mapping = m;
	return true;
}

/* --- lines -------------------------------------------------------------- */

/* Behind "x.cc:12] " of a log. */
static const char *without_log(const char *line)
{
	size_t n = strcspn(line, "[]"), digits = n;

	if (line[n] != ']' || !line[n + 1] || !strchr(BLANKS, line[n + 1]))
		return line;
	while (digits && line[digits - 1] >= '0' && line[digits - 1] <= '9')
		digits--;
	return digits == n || digits < 2 || line[digits - 1] != ':' ?
		       line : line + n + 2;
}

/* False if it grows too much: a=$b$b, b=$c$c ... would never end. */
static bool replace_variables(const struct vec *variables, const char *line,
			      struct strbuf *out)
{
	const struct variable *all = variables->data;

	strbuf_reset(out);
	strbuf_adds(out, "");
	while (*line && out->len <= LINE_BYTES_MAX) {
		size_t i = 0, n = strcspn(line, "$");

		strbuf_add(out, line, n);
		line += n;
		if (!*line)
			break;
		while (i < variables->n && strncmp(line, all[i].name,
						   strlen(all[i].name)) != 0)
			i++;
		if (i < variables->n) {
			strbuf_adds(out, all[i].value);
			line += strlen(all[i].name);
		} else {
			strbuf_addc(out, *line++);
		}
	}
	return out->len <= LINE_BYTES_MAX;
}

static char *trimmed(const char *text, size_t n)
{
	while (n && strchr(BLANKS, *text)) {
		text++;
		n--;
	}
	while (n && strchr(BLANKS, text[n - 1]))
		n--;
	return xstrndup(text, n);
}

static void add_variable(struct vec *variables, const char *line)
{
	const char *equals = strchr(line, '=');
	struct variable *variable;
	char *name;

	if (!equals || variables->n == VARIABLES_MAX)
		return;
	variable = vec_push(variables);
	name = trimmed(line, (size_t)(equals - line));
	variable->name = xasprintf("$%s", name);
	variable->value = trimmed(equals + 1, strlen(equals + 1));
	free(name);
}

/* --- putting right ------------------------------------------------------ */

/* Are both one mapping that was split in two? */
static bool is_adjacent(const struct pp_mapping *a, const struct pp_mapping *b)
{
	return !(a->file && b->file && a->file != b->file) &&
	       !(a->build_id && b->build_id && a->build_id != b->build_id) &&
	       a->limit == b->start &&
	       !(a->offset && b->offset &&
		 a->offset + (a->limit - a->start) != b->offset);
}

static void join_adjacent(struct pp *pp)
{
	struct pp_mapping *mappings = pp->mappings.data;
	size_t n = 0;

	for (size_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *last = n ? &mappings[n - 1] : NULL;
		const struct pp_mapping *m = &mappings[i];

		if (last && is_adjacent(last, m)) {
			last->limit = m->limit;
			last->file = m->file ? m->file : last->file;
			last->build_id = m->build_id ? m->build_id :
						       last->build_id;
		} else {
			mappings[n++] = *m;
		}
	}
	pp->mappings.n = n;
}

/* "libc.so", "libc.so.6", "libc.so_6" */
static bool is_library(const char *file)
{
	size_t n = strlen(file);

	if (n >= 3 && !strcmp(file + n - 3, ".so"))
		return true;
	while ((file = strstr(file, ".so")))
		if ((file += 3, *file == '.' || *file == '_') &&
		    file[1] >= '0' && file[1] <= '9')
			return true;
	return false;
}

/* The program itself comes first. */
static void guess_main(struct pp *pp)
{
	struct pp_mapping *mappings = pp->mappings.data;

	for (size_t i = 0; i < pp->mappings.n; i++) {
		const char *file = pp_text(pp, mappings[i].file);
		struct pp_mapping swap = mappings[i];

		if (!*file || !strcmp(file, "(deleted)") || *file == '[' ||
		    is_library(file))
			continue;
		mappings[i] = mappings[0];
		mappings[0] = swap;
		break;
	}
}

static void correct_main(struct pp *pp)
{
	struct pp_mapping *m = pp->mappings.data;

	if (pp->mappings.n > 1 && m[0].limit == m[1].start &&
	    !strncmp(pp_text(pp, m->file), "/anon_hugepage", 14))
		memmove(m, m + 1, --pp->mappings.n * sizeof(*m));
	if (pp->mappings.n && m->start - m->offset == MAIN_START) {
		m->start = MAIN_START;
		m->offset = 0;
	}
}

/* The mapping of @address, or NO_ID. */
static uint32_t find_mapping(struct pp *pp, uint64_t address)
{
	struct pp_mapping *mappings = pp->mappings.data;

	for (uint32_t i = 0; i < pp->mappings.n; i++)
		if (mappings[i].start <= address &&
		    address < mappings[i].limit)
			return i;
	/* The first part of a mapping that was split may be left out. */
	for (uint32_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *m = &mappings[i];

		if (m->offset && m->start - m->offset <= address &&
		    address < m->start) {
			m->start -= m->offset;
			m->offset = 0;
			return i;
		}
	}
	return NO_ID;
}

static void set_mappings(struct pp *pp)
{
	uint32_t fake = NO_ID;

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct pp_location *location = vec_at(&pp->locations, i);

		if (!location->address)
			continue;
		location->mapping = find_mapping(pp, location->address);
		if (location->mapping == NO_ID && fake == NO_ID) {
			struct pp_mapping *m = vec_push(&pp->mappings);

			fake = (uint32_t)pp->mappings.n - 1;
			m->limit = UINT64_MAX;
		}
		if (location->mapping == NO_ID)
			location->mapping = fake;
	}
}

enum legacy_outcome legacy_find_mappings(struct legacy *legacy)
{
	struct pp *pp = legacy->pp;

	if ((uint64_t)pp->locations.n * pp->mappings.n > SEARCH_STEPS_MAX)
		return legacy_fail(legacy, "%zu addresses in %zu mapped files "
				   "are too many", pp->locations.n,
				   pp->mappings.n);
	correct_main(pp);
	set_mappings(pp);
	for (size_t i = 0; i < pp->mappings.n; i++)
		((struct pp_mapping *)vec_at(&pp->mappings, i))->id = i + 1;
	return LEGACY_DONE;
}

enum legacy_outcome legacy_read_map_lines(struct legacy *legacy,
					  struct lines *lines)
{
	CLEANUP(strbuf_clear) struct strbuf replaced = { 0 };
	struct vec variables = VEC_OF(struct variable);
	bool is_good = true;

	while (is_good && lines_next(lines)) {
		is_good = replace_variables(&variables,
					    without_log(lines->raw),
					    &replaced);
		if (is_good && !add_entry(legacy->pp, replaced.data))
			add_variable(&variables, replaced.data);
	}
	for (size_t i = 0; i < variables.n; i++) {
		free(((struct variable *)vec_at(&variables, i))->name);
		free(((struct variable *)vec_at(&variables, i))->value);
	}
	vec_clear(&variables);
	if (!is_good || lines->is_too_long)
		return legacy_fail(legacy, "line %lu is longer than 64 KiB",
				   lines->number);
	join_adjacent(legacy->pp);
	guess_main(legacy->pp);
	return LEGACY_DONE;
}

enum legacy_outcome legacy_read_maps(struct legacy *legacy,
				     struct lines *lines)
{
	while (!line_is_sentinel(lines) && lines_next(lines))
		;
	return legacy_read_map_lines(legacy, lines);
}
