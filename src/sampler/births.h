/* SPDX-License-Identifier: MIT */
/*
 * births.h - new processes and threads: entries for them, and what the
 * unwinder is told. Belongs to the sampler thread.
 */
#ifndef SAMPLER_BIRTHS_H
#define SAMPLER_BIRTHS_H

#include "sampler/sampler.h"

/*
 * A process that was born of @parent or, by NULL, attached to. Its child may
 * be announced to the unwinder later: see births_announce().
 */
struct process *births_add_process(struct sampler *s, pid_t pid,
				   const struct process *parent);

/* A thread that may have run before. */
struct thread *births_add_thread(struct sampler *s, struct process *process,
				 pid_t tid);

/* The same, in the middle of the run: its time is the pool's until now. */
void births_add_found(struct sampler *s, struct process *process, pid_t tid);

/* Before the first record of @process: the unwinder is told of it. */
void births_announce(struct sampler *s, struct process *process);

/* Is its program one of 32 bits, whose registers are others? */
void births_check_bits(struct sampler *s, struct process *process);

/* @caller has called exec: its process is another program now. */
void births_exec(struct sampler *s, struct thread *caller);

/*
 * A task that nobody has told us of: made by clone, fork or vfork of one that
 * we hold. Its parent's subject gives it the mappings it starts with. NULL if
 * it is gone.
 */
struct thread *births_adopt(struct sampler *s, pid_t tid);

/*
 * The first stop of a task that we do not know: kept while its maker's event
 * is looked for, which tells all that there is to know of it.
 * births_take_held() gives that of @tid, or for 0 any; false if there is none.
 */
void births_hold(struct sampler *s, const struct wait_event *event);
bool births_take_held(struct sampler *s, pid_t tid, struct wait_event *out);

/*
 * @tid was made by a thread of @parent: its first stop is to come, or was held
 * and is to be answered now; then true.
 */
bool births_expect(struct sampler *s, struct process *parent, pid_t tid,
		   struct wait_event *out_first);

#endif
