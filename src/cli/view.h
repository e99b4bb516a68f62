/* SPDX-License-Identifier: MIT */
/* view.h - show a report in a browser or another program. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include "report/report.h"

/*
 * The command that shows @format: $BROWSER, or a browser if there is a
 * display, or the program that the format names; freed by the caller. NULL:
 * there is none, and *@out_reason says why.
 */
char *view_find(const struct report_format *format, const char **out_reason);

/*
 * Write @text to a file in $TMPDIR and run @command with it, until its end if
 * @waits. The file stays: a browser that runs already opens it later.
 */
struct error *view_show(const struct report_format *format,
			const char *command, const struct strbuf *text,
			bool waits) MUST_USE;

#endif
