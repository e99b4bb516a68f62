/* SPDX-License-Identifier: MIT */
/*
 * launch.h - start a program so that it is traced from its first instruction.
 *
 * launch_fork() makes the child while psample still has the signal mask,
 * dispositions, limits and priority that it was started with, so that the
 * program inherits exactly those. The child waits until launch_exec() and
 * then calls execvp(3); should psample die before, the child ends.
 */
#ifndef TARGET_LAUNCH_H
#define TARGET_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

struct launch {
	pid_t pid;
	int pid_fd;   /* pidfd_open(2), or -1 */
	int go_fd;    /* a byte written here lets the child exec */
	int error_fd; /* the child writes its errno here if exec fails */
	bool is_for_children; /* before: our children are to attach to it */
};

#define LAUNCH_NONE { .pid_fd = -1, .go_fd = -1, .error_fd = -1 }

struct error *launch_fork(char *const argv[], struct launch *out) MUST_USE;

/* Let the child call exec. Its EVENT_EXEC, or its exit, comes next. */
void launch_exec(struct launch *launch);

/* After an exit without EVENT_EXEC: the errno of exec, or 0. */
int launch_exec_errno(const struct launch *launch);

/*
 * Who has ended gets nothing, nor who has its number by now: the sampler may
 * have reaped it already.
 */
void launch_signal(const struct launch *launch, int number);

void launch_close(struct launch *launch);

#endif
