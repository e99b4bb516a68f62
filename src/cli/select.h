/* SPDX-License-Identifier: MIT */
/* select.h - which processes the words of the user mean. */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "util/error.h"
#include "util/vec.h"

/* "12,0x1f" -> append pid_t to @out. */
struct error *select_parse_ids(const char *text, struct vec *out) MUST_USE;

/*
 * Append the pids whose name, or whose program's path, matches the regular
 * expression; psample itself is left out. An error if there is none.
 */
struct error *select_by_name(const char *regex, struct vec *out) MUST_USE;

#endif
