/* SPDX-License-Identifier: MIT */
/* paint.h - colours for reports as text. */
#ifndef CLI_PAINT_H
#define CLI_PAINT_H

#include <stdbool.h>

#include "util/error.h"
#include "util/strbuf.h"

/*
 * Are colours wanted? @when is "auto", "always" or "never"; auto is a terminal
 * (@is_terminal) that is not dumb, without NO_COLOR in the environment.
 */
struct error *paint_wants(const char *when, bool is_terminal,
			  bool *out) MUST_USE;

/* Is the report of this name one for people? */
bool paint_knows(const char *format);

/*
 * @text, which has no control characters but newlines, with colours: headings
 * bold, large shares red and yellow, lines without weight dim.
 */
void paint_text(const struct strbuf *text, struct strbuf *out);

#endif
