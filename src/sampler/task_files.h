/* SPDX-License-Identifier: MIT */
/*
 * task_files.h - the /proc files of a thread that are read at every look.
 *
 * They stay open as far as the roster's share of descriptors reaches; beyond
 * it each is opened for the one read.
 */
#ifndef SAMPLER_TASK_FILES_H
#define SAMPLER_TASK_FILES_H

#include "sampler/roster.h"

/* Where there is no schedstat (roster.is_coarse), the nearest thing. */
bool thread_read_schedstat(struct roster *roster, struct thread *thread,
			   struct schedstat *out);
/*
 * The same of a thread that stands in a stop. The coarse numbers have counted
 * that it left its core, which schedstat does only when it is given the next.
 */
bool thread_read_stopped(struct roster *roster, struct thread *thread,
			 struct schedstat *out);

enum task_activity thread_read_syscall(struct roster *roster,
				       struct thread *thread,
				       struct task_syscall *out);

/* The core that the thread ran on last, or -1. */
int thread_processor(struct roster *roster, struct thread *thread);

#endif
