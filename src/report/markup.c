/* SPDX-License-Identifier: MIT */
/* markup.c - text from strangers within XML and HTML. */
#include "report/markup.h"

static void add_char(char c, struct strbuf *out)
{
	switch (c) {
	case '&': strbuf_adds(out, "&amp;"); break;
	case '<': strbuf_adds(out, "&lt;"); break;
	case '>': strbuf_adds(out, "&gt;"); break;
	case '"': strbuf_adds(out, "&quot;"); break;
	case '\'': strbuf_adds(out, "&#39;"); break;
	default:
		strbuf_addc(out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' :
									c);
	}
}

void markup_add_text(const char *text, struct strbuf *out)
{
	for (; *text; text++)
		add_char(*text, out);
}

void markup_add_lines(const char *text, struct strbuf *out)
{
	for (; text && *text; text++)
		if (*text == '\n')
			strbuf_addc(out, '\n');
		else
			add_char(*text, out);
}
