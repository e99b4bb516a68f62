/* SPDX-License-Identifier: MIT */
/*
 * roster.h - the processes and threads that the sampler holds.
 *
 * Belongs to the sampler thread. Entries are found by tid, live at stable
 * addresses, and are used again after their end, so that a program that makes
 * threads all day costs no memory. Slots number the threads densely.
 */
#ifndef SAMPLER_ROSTER_H
#define SAMPLER_ROSTER_H

#include "sampler/thread.h"
#include "util/map.h"

/* What each tick asks of every thread: so it lies together. */
struct live_thread {
	uint64_t next_tick; /* when it is to be looked at */
	uint32_t slot;
};

struct roster {
	struct vec threads;   /* struct thread *, by slot */
	struct vec live;      /* struct live_thread, unordered */
	struct map by_tid;    /* tid -> slot; may be stale, checked */
	uint32_t free_slot;   /* head of the list of free slots */
	struct vec processes; /* struct process * in use */
	struct process *free_process;
	uint32_t n_subjects;
	uint32_t open_fds, max_fds;
	bool is_coarse; /* no schedstat here: schedstat_read_coarse() */
};

void roster_init(struct roster *roster);
void roster_clear(struct roster *roster);

struct thread *roster_find(const struct roster *roster, pid_t tid);
struct process *roster_find_process(const struct roster *roster, pid_t pid);

struct process *roster_add_process(struct roster *roster, pid_t pid);

void roster_new_subject(struct roster *roster, struct process *process);
struct thread *roster_add_thread(struct roster *roster,
				 struct process *process, pid_t tid);

/* The thread is gone; its process too if @thread was its last. */
void roster_remove_thread(struct roster *roster, struct thread *thread);
void roster_remove_process(struct roster *roster, struct process *process);

void roster_rename_thread(struct roster *roster, struct thread *thread,
			  pid_t tid);

static inline struct thread *roster_live(const struct roster *roster,
					 size_t i)
{
	const struct live_thread *live = vec_at(&roster->live, i);

	return *(struct thread **)vec_at(&roster->threads, live->slot);
}

static inline void roster_look_at(struct roster *roster,
				  const struct thread *thread, uint64_t tick)
{
	struct live_thread *live = vec_at(&roster->live, thread->live_index);

	live->next_tick = tick;
}

static inline struct process *roster_process(const struct roster *roster,
					     size_t i)
{
	return *(struct process **)vec_at(&roster->processes, i);
}

#endif
