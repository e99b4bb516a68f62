/* SPDX-License-Identifier: MIT */
/*
 * line.h - lines from the user: edited, completed and remembered if psample
 * was built with libedit and standard input is a terminal, else as they are.
 */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_PROMPT "(psample) "

/*
 * What may stand for @word, @index counting from 0; NULL at the end. @before is
 * the line up to it. The result is good until the next call.
 */
typedef const char *line_complete_fn(void *ctx, const char *word,
				     const char *before, size_t index);

/* Read history; @complete gets @ctx. */
void line_open(line_complete_fn *complete, void *ctx);

/* The next line without its newline, for the caller to free; NULL: the end. */
char *line_read(void);

/* Write history. */
void line_close(void);

#endif
