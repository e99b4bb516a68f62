/* SPDX-License-Identifier: MIT */
/*
 * upt.h - a stack walked by libunwind-ptrace while its thread is stopped.
 *
 * The reference and the escape (--unwind libunwind): slow, since every word
 * of stack and of unwind tables is a ptrace request. Belongs to the thread
 * that seized the tracee.
 */
#ifndef TARGET_UPT_H
#define TARGET_UPT_H

#include <stddef.h>
#include <sys/types.h>

#include "arch/regs.h"

struct upt;

struct upt *upt_new(void);
void upt_free(struct upt *upt);

/*
 * Up to @max addresses of the stopped thread @tid into @pcs: the pc, then
 * return addresses. The count; 0 if the thread is gone.
 */
size_t upt_walk(struct upt *upt, pid_t tid, taddr *pcs, size_t max);

/* The thread ended: forget what is kept for it. */
void upt_forget(struct upt *upt, pid_t tid);

#endif
