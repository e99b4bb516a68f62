/* SPDX-License-Identifier: MIT */
/*
 * paint.c - colours for reports as text.
 *
 * It goes by the text alone: percentages of 20 and more are red, of 5 and more
 * yellow, but for sum%; what is a heading is bold; source lines and
 * instructions without weight are dim.
 */
#include "cli/paint.h"

#include <ctype.h>
#include <stdio.h>

#define HOT 20.0
#define WARM 5.0

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

struct error *paint_wants(const char *when, bool is_terminal, bool *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	*out = !strcmp(when, "always");
	if (*out || !strcmp(when, "never"))
		return NULL;
	if (strcmp(when, "auto") != 0)
		return error_new("bad value %s for color: expected auto, "
				 "always or never", when);
	*out = is_terminal && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
	return NULL;
}

bool paint_knows(const char *format)
{
	static const char *const names[] = { "top", "text", "tree", "peek",
					     "list", "disasm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(format, names[i]))
			return true;
	return false;
}

static bool starts_with(const char *line, const char *prefix)
{
	return !strncmp(line, prefix, strlen(prefix));
}

static bool is_heading(const char *line)
{
	const char *p = line + strspn(line, " ");

	return starts_with(p, "flat  flat%") || starts_with(p, "ROUTINE =") ||
	       starts_with(p, "AKA =") || starts_with(line, "Total:");
}

/* "         .          .     12:..." of list and disasm */
static bool has_no_weight(const char *line)
{
	return starts_with(line, "         .          . ");
}

/* Bytes of a number at @p that '%' follows, or 0; its value. */
static size_t percent_bytes(const char *p, double *out)
{
	size_t n = strspn(p, "0123456789.");

	if (!n || p[n] != '%')
		return 0;
	*out = strtod(p, NULL);
	return n + 1;
}

static void paint_percents(const char *line, struct strbuf *out)
{
	const char *p = line;

	for (int nth = 0; *p;) {
		bool is_start = p == line || p[-1] == ' ' || p[-1] == '(';
		double value = 0;
		size_t n = is_start ? percent_bytes(p, &value) : 0;

		if (!n) {
			strbuf_addc(out, *p++);
			continue;
		}
		if (nth++ == 1) /* the second is sum% */
			value = 0;
		strbuf_adds(out, value >= HOT ? RED :
				 value >= WARM ? YELLOW : "");
		strbuf_add(out, p, n);
		strbuf_adds(out, value >= WARM ? PLAIN : "");
		p += n;
	}
}

void paint_text(const struct strbuf *text, struct strbuf *out)
{
	const char *p = text->data;

	while (p && *p) {
		size_t n = strcspn(p, "\n");
		CLEANUP(free) char *line = xstrndup(p, n);

		if (is_heading(line))
			strbuf_addf(out, BOLD "%s" PLAIN, line);
		else if (has_no_weight(line))
			strbuf_addf(out, DIM "%s" PLAIN, line);
		else
			paint_percents(line, out);
		if (p[n])
			strbuf_addc(out, '\n');
		p += n + (p[n] == '\n');
	}
}
