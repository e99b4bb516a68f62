/* SPDX-License-Identifier: MIT */
/* permission.h - why a process cannot be attached to, and what helps. */
#ifndef TARGET_PERMISSION_H
#define TARGET_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"

/*
 * NULL if nothing speaks against attaching to @pid; else the reason: it does
 * not exist, is a zombie, a kernel thread, ourselves, or traced already.
 */
struct error *attach_check(pid_t pid) MUST_USE;

/*
 * May this user not even ask for @pid? It is a kernel's, or of another user
 * and psample has no capability that makes up for it.
 */
bool attach_is_hopeless(pid_t pid);

/* Does @pid run a 32-bit program? Those have other registers. */
bool process_is_32bit(pid_t pid);

/* Does its limit allow a file of @bytes (RLIMIT_FSIZE, setrlimit(2))? */
bool process_may_make_file(pid_t pid, uint64_t bytes);

/*
 * NULL if nothing speaks against running @program, looked for as by
 * execvp(3); else the reason: it is a 32-bit program.
 */
struct error *launch_check(const char *program) MUST_USE;

/* PTRACE_SEIZE of @pid failed with @err: what, cause, remedy. */
struct error *attach_error(pid_t pid, int err) MUST_USE;

#endif
