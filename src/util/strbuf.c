/* SPDX-License-Identifier: MIT */
/* strbuf.c - a growing byte buffer, always NUL-terminated. */
#include "util/strbuf.h"

#include <stdio.h>

static void strbuf_reserve(struct strbuf *sb, size_t more)
{
	size_t need = sb->len + more + 1;

	if (need <= sb->cap)
		return;
	sb->cap = need > 2 * sb->cap ? need : 2 * sb->cap;
	sb->data = xreallocarray(sb->data, sb->cap, 1);
}

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len)
{
	strbuf_reserve(sb, len);
	if (len)
		memcpy(sb->data + sb->len, bytes, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	strbuf_adds(sb, text);
	free(text);
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->data)
		sb->data[0] = '\0';
}

void strbuf_clear(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){ 0 };
}

char *strbuf_take(struct strbuf *sb)
{
	char *text = sb->data ? sb->data : xstrdup("");

	*sb = (struct strbuf){ 0 };
	return text;
}
