/* SPDX-License-Identifier: MIT */
/* report_output.h - where a report goes: terminal, file, or another program. */
#ifndef CLI_REPORT_OUTPUT_H
#define CLI_REPORT_OUTPUT_H

#include "report/report.h"

struct report_place {
	const struct settings *settings; /* file, colours, pager */
	const char *pipe; /* a shell command, or NULL */
	bool is_prompt;	  /* more will be asked: do not wait for viewers */
};

/*
 * Write @text, a report of @format: to the command, else the file, else the
 * format's viewer, else standard output; but what is not fit for a terminal
 * goes to a file with a name of our own, and what is longer than one to a
 * pager. @text may be changed.
 */
struct error *report_output(const struct report_format *format,
			    const struct report_place *place,
			    struct strbuf *text) MUST_USE;

#endif
