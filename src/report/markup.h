/* SPDX-License-Identifier: MIT */
/* markup.h - text from strangers within XML and HTML. */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include "util/strbuf.h"

/*
 * @text, fit for content and for attributes in double quotes: nothing that is
 * markup, and no control characters, which XML does not allow.
 */
void markup_add_text(const char *text, struct strbuf *out);

/* The same of @text's lines, which stay lines. */
void markup_add_lines(const char *text, struct strbuf *out);

#endif
