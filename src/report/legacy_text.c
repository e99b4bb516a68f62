/* SPDX-License-Identifier: MIT */
/* legacy_text.c - lines, and numbers in them, as Go's packages take them. */
#include <ctype.h>
#include <errno.h>

#include "report/legacy.h"

#define BLANKS " \t\n\v\f\r"

bool lines_next(struct lines *lines)
{
	const char *end;
	size_t len;

	lines->number++;
	strbuf_reset(&lines->line);
	strbuf_adds(&lines->line, "");
	lines->raw = lines->text = lines->line.data;
	if (lines->at >= lines->end)
		return false;
	end = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	len = (size_t)((end ? end : lines->end) - lines->at);
	if (len > LEGACY_LINE_BYTES_MAX) {
		lines->is_too_long = true;
		return false;
	}
	strbuf_add(&lines->line, lines->at, len);
	lines->at = end ? end + 1 : lines->end;
	/* A NUL ends no line; no pattern has the character put there. */
	for (char *p = lines->line.data; (p = memchr(
		     p, '\0', len - (size_t)(p - lines->line.data)));)
		*p = '\x01';
	lines->raw = lines->line.data;
	if (len && lines->line.data[len - 1] == '\r')
		lines->line.data[--len] = '\0';
	while (len && strchr(BLANKS, lines->line.data[len - 1]))
		lines->line.data[--len] = '\0';
	lines->text = lines->line.data + strspn(lines->line.data, BLANKS);
	return true;
}

void lines_clear(struct lines *lines)
{
	strbuf_clear(&lines->line);
}

bool line_is_blank(const struct lines *lines)
{
	return !*lines->text || *lines->text == '#';
}

bool line_starts_with(const struct lines *lines, const char *prefix)
{
	return !strncmp(lines->raw, prefix, strlen(prefix));
}

bool line_is_sentinel(const struct lines *lines)
{
	return strstr(lines->raw, "--- Memory map: ---") ||
	       strstr(lines->raw, "MAPPED_LIBRARIES:");
}

static const char *skip_digits(const char *p)
{
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

const char *text_match(const char *text, const char *pattern,
		       const char **numbers)
{
	const char *p = text, *digits;

	for (; *pattern; pattern++) {
		switch (*pattern) {
		case '#':
		case '-':
			digits = p + (*pattern == '-' && *p == '-');
			*numbers++ = p;
			p = skip_digits(digits);
			if (p == digits)
				return NULL;
			break;
		case '+':
		case ' ':
			if (*pattern == '+' && *p != ' ')
				return NULL;
			p += strspn(p, " ");
			break;
		default:
			if (*p++ != (*pattern == '_' ? ' ' : *pattern))
				return NULL;
		}
	}
	return p;
}

const char *text_find(const char *text, const char *pattern,
		      const char **numbers)
{
	for (const char *p = text; *p;) {
		const char *end = text_match(p, pattern, numbers);

		if (end)
			return end;
		/* What fails from its start fails from within, too. */
		p = isdigit((unsigned char)*p) ? skip_digits(p) :
		    *p == ' ' ? p + strspn(p, " ") : p + 1;
	}
	return NULL;
}

bool text_int(const char *text, int64_t *out)
{
	errno = 0;
	*out = strtoll(text, NULL, 10);
	return !errno;
}

bool text_int_any_base(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 0);
	return !errno && end != text && (!*end || strchr(BLANKS, *end));
}

bool text_hex(const char *text, uint64_t *out)
{
	errno = 0;
	*out = strtoull(text, NULL, 16);
	return !errno;
}
