/* SPDX-License-Identifier: MIT */
/*
 * control.h - words from others that steer a run, and the answers.
 *
 * A FIFO is for scripts: anybody may write a line into it, and nothing comes
 * back. A socket ("fd:N", inherited) belongs to one owner: it is told what
 * happens, one line each ("sampling", "wrote FILE", "suspended", "failed"),
 * and its end ends the run.
 */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <stdbool.h>

#include "util/error.h"

struct control;

/* Before anything is launched: it must not get the descriptor of "fd:N". */
struct error *control_check(const char *path) MUST_USE;

/* @path NULL: a control that never says anything. */
struct error *control_open(const char *path, struct control **out) MUST_USE;
void control_close(struct control *control);

/* To poll for input; -1 if there is none to come. */
int control_fd(const struct control *control);

/* The next whole line, owned by @control, or NULL: no more for now. */
const char *control_read(struct control *control);

/* The owner of the socket has closed it. */
bool control_has_ended(const struct control *control);

/* A line for the owner of the socket; nothing at all for a FIFO. */
void control_tell(const struct control *control, const char *word,
		  const char *argument);

#endif
