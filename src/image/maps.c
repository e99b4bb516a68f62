/* SPDX-License-Identifier: MIT */
/* maps.c - read the text of /proc/PID/maps, line by line. */
#include "image/maps.h"

#include <string.h>

#define DELETED " (deleted)"
#define DELETED_LEN (sizeof(DELETED) - 1)
/* seq_path(m, path, "\n") in fs/proc/task_mmu.c escapes newlines alone; a
 * backslash stays as it is, so no other escape may be undone. */
#define ESCAPED_NEWLINE "\\012"
#define ESCAPED_NEWLINE_LEN (sizeof(ESCAPED_NEWLINE) - 1)

struct cursor {
	const char *p, *end;
};

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* A number of @base not above @max; at least one digit. */
static bool cursor_read_number(struct cursor *c, unsigned int base,
			       uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	const char *first = c->p;

	for (; c->p < c->end; c->p++) {
		int digit = digit_value(*c->p);

		if (digit < 0 || (unsigned int)digit >= base)
			break;
		if (value > (max - (unsigned int)digit) / base)
			return false;
		value = value * base + (unsigned int)digit;
	}
	*out = value;
	return c->p > first;
}

static bool cursor_skip_char(struct cursor *c, char wanted)
{
	if (c->p >= c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool cursor_read_perms(struct cursor *c, struct maps_line *out)
{
	if (c->end - c->p < 4)
		return false;
	out->is_readable = c->p[0] == 'r';
	out->is_writable = c->p[1] == 'w';
	out->is_executable = c->p[2] == 'x';
	out->is_private = c->p[3] == 'p';
	c->p += 4;
	return true;
}

static bool cursor_read_numbers(struct cursor *c, struct maps_line *out)
{
	uint64_t major, minor;

	if (!cursor_read_number(c, 16, UINT64_MAX, &out->start) ||
	    !cursor_skip_char(c, '-') ||
	    !cursor_read_number(c, 16, UINT64_MAX, &out->end) ||
	    !cursor_skip_char(c, ' ') || !cursor_read_perms(c, out) ||
	    !cursor_skip_char(c, ' ') ||
	    !cursor_read_number(c, 16, UINT64_MAX, &out->offset) ||
	    !cursor_skip_char(c, ' ') ||
	    !cursor_read_number(c, 16, UINT32_MAX, &major) ||
	    !cursor_skip_char(c, ':') ||
	    !cursor_read_number(c, 16, UINT32_MAX, &minor) ||
	    !cursor_skip_char(c, ' ') ||
	    !cursor_read_number(c, 10, UINT64_MAX, &out->inode))
		return false;
	out->dev_major = (uint32_t)major;
	out->dev_minor = (uint32_t)minor;
	return out->start < out->end;
}

static bool line_parse(const char *text, const char *end,
		       struct maps_line *out)
{
	struct cursor c = { text, end };

	if (!cursor_read_numbers(&c, out))
		return false;
	if (c.p < c.end && *c.p != ' ')
		return false;
	while (c.p < c.end && *c.p == ' ')
		c.p++;
	out->path = c.p;
	out->path_len = (size_t)(c.end - c.p);
	out->is_deleted = false;
	if (out->path_len > DELETED_LEN &&
	    !memcmp(c.end - DELETED_LEN, DELETED, DELETED_LEN)) {
		out->is_deleted = true;
		out->path_len -= DELETED_LEN;
	}
	return true;
}

bool maps_next_line(const char **cursor, const char *end,
		    struct maps_line *out)
{
	while (*cursor < end) {
		const char *line = *cursor;
		const char *line_end =
			memchr(line, '\n', (size_t)(end - line));

		*cursor = line_end ? line_end + 1 : end;
		if (line_parse(line, line_end ? line_end : end, out))
			return true;
	}
	return false;
}

size_t maps_decode_path(const struct maps_line *line, char *buf)
{
	const char *p = line->path, *end = line->path + line->path_len;
	size_t n = 0;

	while (p < end) {
		if (end - p >= (ptrdiff_t)ESCAPED_NEWLINE_LEN &&
		    !memcmp(p, ESCAPED_NEWLINE, ESCAPED_NEWLINE_LEN)) {
			buf[n++] = '\n';
			p += ESCAPED_NEWLINE_LEN;
			continue;
		}
		buf[n++] = *p++;
	}
	buf[n] = '\0';
	return n;
}
