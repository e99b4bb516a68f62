/* SPDX-License-Identifier: MIT */
/*
 * restart.h - undo the EINTR that a ptrace stop gives to a system call.
 *
 * Some calls answer EINTR to the mere stop of their thread, though no signal
 * is there (signal(7), "Interruption of system calls ... by stop signals").
 * Writing -ERESTARTNOHAND as their result before the thread goes on makes the
 * kernel restart the call, and still gives EINTR if a handler runs.
 */
#ifndef ARCH_RESTART_H
#define ARCH_RESTART_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/user.h>

#include "arch/regs.h"

/* What the kernel gives as registers -> struct regs, all known. */
void regs_from_user(const struct user_regs_struct *user, struct regs *out);

/* The system call that the thread is returning from, or -1. */
static inline long user_syscall(const struct user_regs_struct *user)
{
	return (long)user->orig_rax;
}

/* True for a thread in 32-bit code. */
static inline bool user_is_32bit(const struct user_regs_struct *user)
{
	return user->cs == 0x23;
}

/*
 * Must the result of the call be changed, and to what? @has_seccomp: the
 * thread runs under a filter, which may kill it for restart_syscall(2).
 */
bool restart_repair(const struct user_regs_struct *user, bool has_seccomp,
		    long *out_result);

/*
 * Was getrandom(2) cut short, which happens only at a signal or a stop, though
 * no more than @max_bytes were asked for? Made once more as a whole it fills
 * the buffer anew, and nobody can tell. With much more than is made between
 * two stops it would never end.
 */
bool restart_is_short_random(const struct user_regs_struct *user,
			     uint64_t max_bytes, long *out_result);

/*
 * Does the call wait without a timeout? One that has a timeout would begin
 * it anew, at every signal of a stream of ignored ones, and never end.
 */
bool restart_keeps_time(const struct user_regs_struct *user);

/*
 * Does @nr commonly put its thread to sleep until something happens? Then a
 * thread at its return may have been woken just now.
 */
bool call_may_sleep(long nr);

/* Does @nr, when blocked, restart by itself after a stop? (--wall-stop) */
bool restart_is_safe(long nr);

#endif
