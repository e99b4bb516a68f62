/* SPDX-License-Identifier: MIT */
/*
 * begin.h - start a program and hold it before its first instruction.
 *
 * The one moment at which this profiler traces: from before the exec until
 * begin_release(). Should psample die in between, the program runs on.
 */
#ifndef HEAP_BEGIN_H
#define HEAP_BEGIN_H

#include "target/launch.h"

/*
 * Let the child of @launch call exec, and hold it there. *@out_exec_errno:
 * why exec failed, and the child is gone; else 0.
 */
struct error *begin_hold(struct launch *launch, int *out_exec_errno) MUST_USE;

/* Until some child of ours may have changed its state; not for long. */
void begin_await_event(void);

/* Let it run, untraced. */
void begin_release(const struct launch *launch);

/* It is not to run: end it before it has done anything. */
void begin_kill(const struct launch *launch);

#endif
