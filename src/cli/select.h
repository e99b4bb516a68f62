/* SPDX-License-Identifier: MIT */
/* select.h - which processes the words of the user mean. */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

#include "util/error.h"
#include "util/vec.h"

/* Append @id to those in @ids (pid_t), if it is not among them. */
void select_add_id(struct vec *ids, pid_t id);

/* "12,0x1f", or with blanks: add to @out. */
struct error *select_parse_ids(const char *text, struct vec *out) MUST_USE;

/*
 * Add the pids whose name, or whose program's path, matches the regular
 * expression; psample itself is left out. An error if there is none.
 */
struct error *select_by_name(const char *regex, struct vec *out) MUST_USE;

#endif
