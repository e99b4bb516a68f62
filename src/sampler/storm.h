/* SPDX-License-Identifier: MIT */
/*
 * storm.h - threads that live for less than a period, by the hundred.
 *
 * Belongs to the sampler thread.
 */
#ifndef SAMPLER_STORM_H
#define SAMPLER_STORM_H

#include "sampler/sampler.h"

/* @maker has stopped, as it made a thread: may it do so without a word? */
void storm_note_birth(struct sampler *s, struct thread *maker);

/* @child was made by a process in a storm: it tells as little as its maker. */
void storm_note_child(struct process *parent, struct thread *child);

/* @thread stands, and will go on: let it tell of births if it should. */
void storm_at_stop(struct sampler *s, struct thread *thread);

void storm_forget_thread(struct thread *thread);

/* No storms in @process, and an end to the one there is. */
void storm_forbid(struct process *process);

/* Another program has begun. */
void storm_end(struct process *process);

/* Its last known thread has ended: is there another one? */
bool storm_has_more(struct sampler *s, struct process *process);

/* At the begin of a tick: the threads that nobody has told of. */
void storm_scan(struct sampler *s);

void storm_close_window(struct sampler *s);

/* events.c: the one thread of @process by now has called exec, unseen. */
void sampler_exec_unseen(struct sampler *s, struct process *process);

/* The same, and it is traced no more: it has ended already. */
void sampler_lose(struct sampler *s, struct process *process);

#endif
