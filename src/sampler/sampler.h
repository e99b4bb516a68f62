/* SPDX-License-Identifier: MIT */
/*
 * sampler.h - the live loop's own state, shared by the files of src/sampler.
 *
 * Everything in struct sampler belongs to the sampler thread, but for the
 * ring's other end, the atomics, and what says otherwise. Nothing here
 * unwinds, names or allocates between the stop of a thread and its resumption.
 */
#ifndef SAMPLER_SAMPLER_H
#define SAMPLER_SAMPLER_H

#include <pthread.h>

#include "sampler/accounts.h"
#include "sampler/follow.h"
#include "sampler/options.h"
#include "sampler/record.h"
#include "sampler/ring.h"
#include "sampler/roster.h"
#include "sampler/stats.h"
#include "sampler/task_files.h"
#include "sampler/told.h"
#include "target/guard.h"
#include "target/launch.h"
#include "target/tracee.h"
#include "target/upt.h"

#define LATE_NS (200 * NS_PER_US)     /* who runs by then is another one */
/* A parent in vfork, or a frozen thread, does not answer at all. */
#define STOP_BOUND_NS (50 * NS_PER_MS)
#define RING_WAKE_BYTES ((size_t)128 << 10) /* pending: wake the unwinder */
#define RING_SPARE_BYTES (64u << 10)  /* kept for records without stacks */

#define ACTIVE_MAX 32

/*
 * Exits that another thread reaped while a SEIZE did not return: an exec in
 * the target waits for its dead siblings to be reaped, and the SEIZE for that
 * exec. Those of no other process: psample has children that it waits for.
 */
struct rescue {
	pthread_mutex_t lock;
	struct vec events; /* struct wait_event */
	_Atomic bool any;
	_Atomic pid_t seize_pid; /* whose thread is seized */
	_Atomic int64_t seize_ns; /* when the SEIZE under way began, or 0 */
};

struct sampler {
	struct sampler_options options;
	struct roster roster;
	struct ring ring;
	struct sampler_stats stats;
	struct told *told; /* a copy of them, of told_ns */
	int64_t told_ns;
	size_t n_runnable; /* threads found so at the last tick */
	uint32_t active[ACTIVE_MAX]; /* slots of them, to be looked at first */
	size_t n_active;
	uint64_t target_cores; /* that they were on, as a mask */
	uint64_t cores_tick;   /* when that was read */
	size_t n_cores_read_of; /* from so many threads */
	int64_t drained_ns; /* when all tracees were asked last */
	bool has_news;	    /* some tracee has an event to be asked for */
	bool is_in_doubt;   /* or it may have, one that has run lately */
	size_t n_looks;	    /* at the last tick */
	size_t look_from; /* index among the live to begin the next tick at */
	uint64_t alarm_tick; /* up to here somebody unknown is looked for */
	struct vec outstanding; /* struct thread *: stops to come, ours and
				   the first ones of newborn threads */
	struct vec held; /* struct wait_event: first stops, within a drain */
	int n_cpus, n_cores; /* that we may use; that there are */
	bool is_fifo;
	struct follow follow;
	struct thread *predecessor; /* at this tick, or NULL */
	struct rescue rescue;
	struct guard_page *guard;
	struct upt *upt; /* --unwind libunwind, or NULL */

	/* the clock of ticks */
	uint64_t tick;	    /* number of the next deadline */
	int64_t next_ns;    /* the next deadline */
	int64_t base_ns;    /* its middle: the next deadline without jitter */
	int64_t period_ns;  /* now; options.period_ns until max_pause acts */
	uint64_t random;    /* state of the jitter's generator */
	int64_t start_ns, end_ns, window_end_ns, window_held_ns;
	bool is_urgent;	   /* wake the unwinder now */
	int64_t resume_ns; /* end of the delay, or 0 */
	_Atomic unsigned requests; /* enum collect_request, from main */
	_Atomic bool is_paused;
	bool is_suspended; /* the thread ends, the run does not */

	uint32_t n_births; /* of processes in this window */

	/* accounts.c: processes that were born and died in one window */
	uint32_t brief_hits;
	int64_t brief_ns, brief_paid_ns;

	/* the launched program, or 0 */
	struct launch launch;
	pid_t root;
	bool has_execed;
	bool root_ended;
	int root_status; /* as from waitpid() */
	int exec_errno;	 /* exec failed */
};

/* events.c: what tracees tell us. */
void sampler_drain(struct sampler *s);	/* all events that are there */
/* The same, but has_news if there are more by then. */
void sampler_drain_until(struct sampler *s, int64_t bound_ns);
void sampler_ask_active(struct sampler *s); /* of threads that run */
/* Right after a tick: of those that had run within a second. */
void sampler_ask_recent(struct sampler *s);
bool sampler_collect_outstanding(struct sampler *s); /* only our own stops */
void sampler_collect_one(struct sampler *s, pid_t tid); /* if it is one */
void sampler_settle(struct sampler *s); /* give up what does not come */
/* loop.c: answer our own stops that are there; has_news if there is more. */
void sampler_take_news(struct sampler *s);
/* For the main thread, when a SEIZE hangs. */
void sampler_rescue_exits(struct sampler *s);
void sampler_handle_event(struct sampler *s, const struct wait_event *event);

/* The run is over: end every entry; the kernel detaches at our end. */
void sampler_end_all(struct sampler *s);

/* look.c: one tick. */
void sampler_tick(struct sampler *s, int64_t tick_ns);

/*
 * capture.c: one stop that we asked for, until the thread runs again; with
 * @signal if it stands before the delivery of one, else 0.
 */
void capture_stop(struct sampler *s, struct thread *thread, int signal);
/* A signal that comes by itself: hand it over, as if nobody watched. */
void capture_signal(struct sampler *s, struct thread *thread, int signal);
/* The stack of a blocked thread; a hit: it was on its core at the tick. */
bool capture_blocked(struct sampler *s, struct thread *thread,
		     const struct task_syscall *at, int64_t wall_ns,
		     bool is_hit);
/* Send a record without a stack. */
void sampler_send(struct sampler *s, const struct record *record);
/* Hand out the wall time of @thread up to @now without a new stack. */
void sampler_pay_wall(struct sampler *s, struct thread *thread, int64_t now);
void sampler_pay_all_wall(struct sampler *s);
void sampler_skip_wall(struct sampler *s); /* it is nobody's: a pause */

/* loop.c: 64 random bits for jitter and choices. */
uint64_t sampler_random(struct sampler *s);

#endif
