/* SPDX-License-Identifier: MIT */
/* text.c - validation and repair of UTF-8. */
#include "profile/text.h"

#include <stddef.h>

/*
 * Well-formed sequences by first byte (Unicode 15, table 3-7): how many bytes
 * follow, and the range of the first of them, which rules out overlong forms,
 * surrogates and values above U+10FFFF.
 */
struct utf8_lead {
	unsigned char first, last, n_more, low, high;
};

static const struct utf8_lead utf8_leads[] = {
	{ 0x01, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf }, { 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf }, { 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static const struct utf8_lead *utf8_lead_of(unsigned char c)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8_leads); i++)
		if (c >= utf8_leads[i].first && c <= utf8_leads[i].last)
			return &utf8_leads[i];
	return NULL;
}

size_t utf8_char_bytes(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	const struct utf8_lead *lead = utf8_lead_of(p[0]);

	if (!lead)
		return 0;
	if (lead->n_more && (p[1] < lead->low || p[1] > lead->high))
		return 0;
	for (size_t i = 2; i <= lead->n_more; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return 1u + lead->n_more;
}

bool utf8_is_valid(const char *s)
{
	while (*s) {
		size_t n = utf8_char_bytes(s);

		if (!n)
			return false;
		s += n;
	}
	return true;
}

void utf8_add_repaired(struct strbuf *out, const char *s)
{
	while (*s) {
		size_t n = utf8_char_bytes(s);

		if (n)
			strbuf_add(out, s, n);
		else
			strbuf_adds(out, UTF8_REPLACEMENT);
		s += n ? n : 1;
	}
}
