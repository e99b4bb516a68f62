/* SPDX-License-Identifier: MIT */
/* report_output.h - where a report goes: terminal, file, or another program. */
#ifndef CLI_REPORT_OUTPUT_H
#define CLI_REPORT_OUTPUT_H

#include "report/report.h"

/*
 * Write @text, a report of @format. @pipe: to this shell command; else
 * @file, if it is not empty; else standard output, but what is not fit for a
 * terminal goes to a file with a name of our own. @text may be changed.
 */
struct error *report_output(const struct report_format *format,
			    const char *file, const char *pipe,
			    struct strbuf *text) MUST_USE;

#endif
