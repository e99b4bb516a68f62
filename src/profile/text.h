/* SPDX-License-Identifier: MIT */
/*
 * text.h - bytes from strangers made fit for output.
 *
 * Names come from symbol tables and /proc and may hold any byte; what is
 * written must be valid UTF-8 (Pyroscope and Parca refuse the rest).
 */
#ifndef PROFILE_TEXT_H
#define PROFILE_TEXT_H

#include <stdbool.h>

#include "util/strbuf.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Bytes of the UTF-8 character at @s (never reading beyond its NUL), or 0 if
 * there is none: a stray, overlong or surrogate sequence.
 */
size_t utf8_char_bytes(const char *s);

bool utf8_is_valid(const char *s);

/* Append @s with every bad byte replaced by U+FFFD. */
void utf8_add_repaired(struct strbuf *out, const char *s);

#endif
