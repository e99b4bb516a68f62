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

#include <stdatomic.h>

#include "sampler/stackmap.h"
#include "target/proc.h"
#include "util/map.h"

enum thread_state {
	THREAD_UNBORN,	    /* its first stop is still to come */
	THREAD_RUNNING,	    /* on its own: running or blocked */
	THREAD_INTERRUPTED, /* its stop was asked for and is to come */
	THREAD_STOPPED,	    /* group-stopped (SIGSTOP), left so */
};

struct process {
	uint32_t subject; /* changes at exec */
	pid_t pid;
	uint32_t n_threads;
	bool is_brief;	/* its life began in this window */
	bool is_born;	/* made during the run, by a process that we hold */
	bool is_32bit;	/* its registers are others: not sampled */
	bool was_sent;	/* a stack of this subject went into the ring */
	clockid_t clock;
	int64_t clock_base_ns; /* reading of clock when the watch began */
	int64_t paid_ns;       /* CPU time handed out as weights */
	int64_t paused_clock_ns;
	int64_t ended_run_ns; /* run time of its ended, sampled threads */
	uint32_t pool_hits;

	/* look.c: did threads that are looked at rarely run? */
	uint32_t n_left_out;  /* in this tick */
	int64_t looked_ns;    /* run time that looks have seen go by */
	int64_t left_out_ns;  /* clock minus looked_ns, last time */
	int64_t clock_read_ns; /* when that was */
	struct stackmap stackmap;
	struct process *next_free;
};

/* What follow.c compares a window with. */
struct thread_window {
	uint64_t run_ns, slices; /* at its start */
	uint32_t stops;		 /* of ours, since */
};

struct thread {
	uint32_t slot;
	pid_t tid;
	struct process *process; /* NULL: the slot is free */
	enum thread_state state;
	bool is_sampled; /* not left out by a list of tids */
	int schedstat_fd, syscall_fd, stat_fd; /* -1: not open */

	/* the last look */
	struct schedstat seen;
	bool was_runnable, was_kept;
	uint32_t idle_looks; /* in a row, once it has not run for a second */
	uint64_t next_tick, moved_tick;

	/* memory around its sp that may be read in a stop */
	taddr stack_lo, stack_hi;

	/* the outstanding stop */
	int64_t woke_ns;	/* when its tick began */
	int64_t interrupted_ns; /* when it was asked for */
	struct schedstat asked; /* schedstat at the look */
	bool is_late;		/* beyond the bound: keep nothing */

	/* CPU accounts, see accounts.c */
	bool is_new;	   /* appeared in this window */
	uint64_t run_ns;   /* newest reading of its run time */
	int64_t base_ns;   /* run time that the pool has paid for */
	int64_t paid_ns;   /* run time handed out as weights */
	uint32_t hits;	   /* pending in this window */

	struct thread_window window;
	int64_t born_ns;
	int64_t wall_from_ns;	/* up to here wall time is handed out */
	bool has_stack;		/* good while the thread does not run */

	/* registers at its last stop, for a look at the same sp and pc */
	taddr stop_sp, stop_pc, stop_fp;

	_Atomic uint32_t stack_need; /* bytes, from the unwinder */
	_Atomic bool needs_fp;	     /* its blocked stack ended at that */
	_Atomic taddr other_fp;	     /* it changes stacks: copy there, too */
	size_t live_index; /* in roster.live */
	uint32_t next_free;
};

struct roster {
	struct vec threads;   /* struct thread *, by slot */
	struct vec live;      /* uint32_t slots in use, unordered */
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
	uint32_t slot = *(uint32_t *)vec_at(&roster->live, i);

	return *(struct thread **)vec_at(&roster->threads, slot);
}

static inline struct process *roster_process(const struct roster *roster,
					     size_t i)
{
	return *(struct process **)vec_at(&roster->processes, i);
}

#endif
