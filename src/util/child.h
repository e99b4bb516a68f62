/* SPDX-License-Identifier: MIT */
/*
 * child.h - other programs, run without a shell.
 *
 * Main thread only: a signal or another child does not disturb the wait, but
 * nobody else may wait for our children meanwhile.
 */
#ifndef UTIL_CHILD_H
#define UTIL_CHILD_H

#include <stdbool.h>

#include "util/error.h"
#include "util/strbuf.h"

/* The path of @program as $PATH has it, freed by the caller, or NULL. */
char *child_find(const char *program);

/*
 * Run @argv (argv[0] is a path), give it @input (may be NULL) to read and
 * append what it writes to @out. An error if it ends with another status
 * than 0; with @is_quiet its own messages are not shown.
 */
struct error *child_run(const char *const *argv, const struct strbuf *input,
			bool is_quiet, struct strbuf *out) MUST_USE;

/* Start @argv and do not wait: its output is not ours. */
struct error *child_start(const char *const *argv, pid_t *out_pid) MUST_USE;

/* Wait for the end of @pid; its status as of waitpid(2), -1: unknown. */
int child_wait(pid_t pid);

#endif
