/* SPDX-License-Identifier: MIT */
/*
 * regex.h - regular expressions of the user, over text from strangers.
 *
 * PCRE2 with what Go's regexp package means by a pattern: UTF-8, "$" only at
 * the very end. It accepts more than Go does (look-around, back references).
 * A match that would take too long counts as none and sets is_exhausted.
 */
#ifndef REPORT_REGEX_H
#define REPORT_REGEX_H

#include <stdbool.h>

#include "util/error.h"

struct regex;

struct error *regex_new(const char *pattern, struct regex **out) MUST_USE;
void regex_free(struct regex *regex);
DEFINE_CLEANUP(regex_free, struct regex *)

/* Does it match anywhere in @text? */
bool regex_matches(struct regex *regex, const char *text);

/* The first match with group @group: its bounds in @text. */
bool regex_find(struct regex *regex, const char *text, unsigned group,
		size_t *out_start, size_t *out_end);

bool regex_is_exhausted(const struct regex *regex);
const char *regex_pattern(const struct regex *regex);

#endif
