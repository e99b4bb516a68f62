/* SPDX-License-Identifier: MIT */
/*
 * screen.c - a table that is shown again and again on one screen.
 *
 * Lines are written over those of before, and what is longer there erased
 * (ECMA-48: CUP, EL, ED): a screen that is cleared first would flicker.
 */
#include "cli/screen.h"

#include <sys/ioctl.h>

/* Columns of the table from top.h that a narrow screen goes without. */
#define NARROW 72
#define SUM_AT 17 /* sum%, cum, cum% */
#define NAME_AT 42

#define HOME "\033[H"
#define END_OF_LINE "\033[K\n"
#define ERASE_BELOW "\033[J"

bool screen_find(struct screen *out)
{
	const char *term = getenv("TERM");
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || !term || !strcmp(term, "dumb") ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 3 ||
	    !size.ws_col)
		return false;
	out->rows = size.ws_row - 1U;
	out->columns = size.ws_col;
	return true;
}

/* Bytes of the first characters of @line, of which a screen has room. */
static size_t fitting_bytes(const char *line, size_t n_bytes, size_t columns)
{
	size_t n = 0, i;

	for (i = 0; i < n_bytes; i++) {
		bool is_first = (line[i] & 0xc0) != 0x80; /* of UTF-8 */

		if (is_first && n++ == columns)
			break;
	}
	return i;
}

static void add_line(const struct screen *screen, const char *line, size_t n,
		     struct strbuf *out)
{
	size_t left = screen->columns;

	if (left < NARROW && n > NAME_AT) {
		size_t n_front = left < SUM_AT ? left : SUM_AT;

		strbuf_add(out, line, n_front);
		left -= n_front;
		line += NAME_AT;
		n -= NAME_AT;
	} else if (left < NARROW && n > SUM_AT) {
		n = SUM_AT; /* the heading */
	}
	strbuf_add(out, line, fitting_bytes(line, n, left));
	strbuf_adds(out, END_OF_LINE);
}

void screen_add(const struct screen *screen, const char *text,
		struct strbuf *out)
{
	strbuf_adds(out, HOME);
	for (size_t row = 0; *text && row < screen->rows; row++) {
		size_t n = strcspn(text, "\n");

		add_line(screen, text, n, out);
		text += n + (text[n] == '\n');
	}
	strbuf_adds(out, ERASE_BELOW);
}
