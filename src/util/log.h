/* SPDX-License-Identifier: MIT */
/*
 * log.h - what psample says to the user, always on stderr.
 *
 * Each line starts with "psample: ". Safe from any thread, and in a fork of
 * any; never called between the stop of a thread and its resumption.
 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "util/mem.h"

enum log_level {
	LOG_ERROR,   /* -q -q: nothing but failures */
	LOG_WARNING, /* -q */
	LOG_NOTICE,  /* the default */
	LOG_INFO,    /* -v */
};

void log_set_level(enum log_level level);
int log_enabled(enum log_level level);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Text for a terminal, in place: names of programs, files and functions are
 * strangers' and may hold what it takes for commands; these become '?'.
 */
void log_disarm(char *text, size_t len);

/*
 * Show @fmt as the progress line of a terminal, in place of the last one; a
 * message erases it first. NULL: erase it. Not a terminal: nothing is shown.
 */
void log_progress(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
