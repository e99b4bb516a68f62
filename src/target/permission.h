/* SPDX-License-Identifier: MIT */
/* permission.h - why a process cannot be attached to, and what helps. */
#ifndef TARGET_PERMISSION_H
#define TARGET_PERMISSION_H

#include <sys/types.h>

#include "util/error.h"

/*
 * NULL if nothing speaks against attaching to @pid; else the reason: it does
 * not exist, is a zombie, a kernel thread, ourselves, or traced already.
 */
struct error *attach_check(pid_t pid) MUST_USE;

/* PTRACE_SEIZE of @pid failed with @err: what, cause, remedy. */
struct error *attach_error(pid_t pid, int err) MUST_USE;

#endif
