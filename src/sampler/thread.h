/* SPDX-License-Identifier: MIT */
/*
 * thread.h - what the sampler knows of each process and thread that it holds.
 *
 * Plain data of the sampler thread, but for the answers of the unwinder. The
 * roster owns them.
 */
#ifndef SAMPLER_THREAD_H
#define SAMPLER_THREAD_H

#include "sampler/record.h"
#include "sampler/stackmap.h"
#include "target/proc.h"

enum thread_state {
	THREAD_UNBORN,	    /* its first stop is still to come */
	THREAD_RUNNING,	    /* on its own: running or blocked */
	THREAD_INTERRUPTED, /* its stop was asked for and is to come */
	THREAD_STOPPED,	    /* group-stopped (SIGSTOP), left so */
};

#define CALL_SHARE_ONE 256 /* a sample of now */

/* Samples, and those of them in a system call; old ones count for less. */
struct call_share {
	uint32_t kept, calls;
};

struct call_shares {
	struct call_share remote; /* stopped on another core than ours */
	struct call_share exact;  /* displaced by us on our own */
	struct call_share doubtful; /* in a call: displaced, or just woken? */
};

struct process {
	uint32_t subject; /* changes at exec */
	pid_t pid;
	uint32_t n_threads;
	bool is_brief;	/* its life began in this window */
	bool is_born;	/* made during the run, by a process that we hold */
	bool is_attaching; /* its threads are being seized */
	bool is_32bit;	/* its registers are others: not sampled */
	bool has_known_bits; /* or it called exec, and nobody has looked yet */
	bool is_announced;   /* to the unwinder, as a subject */
	uint32_t parent_subject; /* until then: whose mappings it began with */
	bool was_sent;	/* a stack of this subject went into the ring */
	uint8_t n_maps; /* to send in front of its next stacks */

	/* storm.c: threads made by the hundred, most of them gone by a tick */
	bool is_storm;	   /* its makers of threads tell no more of them */
	bool wants_scan;   /* some threads of it may not be known */
	bool no_storm;	   /* what its threads make would be missed for good */
	uint32_t n_births; /* of threads, in this window */
	uint32_t n_deaf;   /* threads that tell nothing */
	uint32_t storm_left, storm_length; /* in windows */
	uint64_t start_ticks; /* tells it from who has its number later */

	clockid_t clock;
	int64_t clock_base_ns; /* reading of clock when the watch began */
	int64_t paid_ns;       /* CPU time handed out as weights */
	int64_t paused_clock_ns;
	int64_t ended_run_ns; /* run time of its ended, sampled threads */
	uint32_t pool_hits;

	/* look.c: did threads that are looked at rarely run? */
	int64_t looked_ns;    /* run time that looks have seen go by */
	int64_t left_out_ns;  /* clock minus looked_ns, the least so far, ... */
	bool has_left_out;    /* ... if there is one: it may be 0 */
	int64_t clock_read_ns; /* when that was */
	struct stackmap stackmap;
	taddr other_fp; /* where a thread of it had its other stack last */
	struct call_shares call_shares; /* of all its threads */
	struct process *next_free;
};

/* What follow.c compares a window with. */
struct thread_window {
	uint64_t run_ns, slices; /* at its start */
	uint32_t stops;	      /* of ours, since */
};

struct thread {
	uint32_t slot;
	pid_t tid;
	struct process *process; /* NULL: the slot is free */
	enum thread_state state;
	bool is_deaf;	 /* the threads that it makes are not told of */
	bool is_sampled; /* not left out by a list of tids */
	bool was_sent;	 /* a record of its slot went into the ring */
	int schedstat_fd, syscall_fd, stat_fd; /* -1: not open */

	/* the last look */
	struct schedstat seen;
	bool was_runnable, was_kept;
	uint32_t idle_looks; /* in a row, once it has not run for a second */
	uint64_t moved_tick;

	/* memory around its sp that may be read in a stop */
	taddr stack_lo, stack_hi;

	/* crowd.c: since its last stop */
	int64_t free_ns;     /* when it was let go, */
	int64_t unbooked_ns; /* and less its run time and waiting until then */
	int64_t looked_ns;   /* when it was looked at last, */
	uint64_t n_slices;   /* and cores it was given before, since a look */
	bool is_steady;	     /* it does not sleep, as far as is known */

	/* the outstanding stop */
	int64_t woke_ns;	/* when its tick began */
	int64_t interrupted_ns; /* when it was asked for */
	struct schedstat asked; /* schedstat at the look */
	bool is_late;		/* beyond the bound: keep nothing */
	bool is_predecessor;	/* it had our core until the tick */

	/* CPU accounts, see accounts.c */
	bool is_new;	   /* appeared in this window */
	uint64_t run_ns;   /* newest reading of its run time */
	int64_t base_ns;   /* run time that the pool has paid for */
	int64_t paid_ns;   /* run time handed out as weights */
	uint32_t hits;	   /* pending in this window */

	struct thread_window window;
	bool is_followed;
	bool is_calling;  /* followed, as its calls are found too often */
	bool is_doubtful; /* in its calls: was it displaced, or just woken? */
	struct call_shares call_shares;
	int64_t calls_period_ns; /* what a hit stands for, if is_calling */
	uint32_t calls_hits;	 /* since it is, and is judged by that, */
	int64_t calls_run_ns;	 /* what it ran meanwhile */
	uint32_t n_unfollowed;	 /* windows in which it shall not be */
	int64_t born_ns;
	int64_t wall_from_ns;	/* up to here wall time is handed out */
	bool has_stack;		/* good while the thread does not run */
	uint32_t n_copies;	/* of it since the thread ran */

	/* registers at its last stop, for a look at the same sp and pc */
	taddr stop_sp, stop_pc, stop_fp;

	size_t live_index; /* in roster.live */
	uint32_t next_free;

	/* Last: the unwinder may still answer about who had this slot. */
	struct walk_answers answers;
};

#endif
