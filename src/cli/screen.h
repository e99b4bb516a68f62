/* SPDX-License-Identifier: MIT */
/* screen.h - a table that is shown again and again on one screen. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>

#include "util/strbuf.h"

struct screen {
	size_t rows, columns; /* to fill; one row is left for the progress */
};

/* Is standard output a terminal that can go back to its first line? */
bool screen_find(struct screen *out);

/* As much of @text as there is room for, in place of what is shown. */
void screen_add(const struct screen *screen, const char *text,
		struct strbuf *out);

#endif
