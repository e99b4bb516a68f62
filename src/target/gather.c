/* SPDX-License-Identifier: MIT */
/* gather.c - stop all threads of a process for a moment, together. */
#include "target/gather.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h> /* PTRACE_EVENT_STOP */

#include "arch/restart.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "util/vec.h"

#define REAP_NS (20 * NS_PER_MS)

struct gatherer {
	struct gather *gather;
	struct vec threads; /* struct gathered */
	int64_t begin_ns;
	enum gather_result result;
};

static bool is_known(const struct gatherer *gatherer, pid_t tid)
{
	for (size_t i = 0; i < gatherer->threads.n; i++) {
		const struct gathered *thread =
			vec_at(&gatherer->threads, i);

		if (thread->tid == tid)
			return true;
	}
	return false;
}

/*
 * Ask those to stop that were not asked yet. GATHER_DENIED: no right to; or
 * GATHER_GONE: a thread of ours has another number, since it has called exec.
 */
static enum gather_result seize_new(struct gatherer *gatherer,
				    size_t *out_n_new)
{
	struct vec tids = VEC_OF(pid_t);
	enum gather_result result = GATHER_DONE;

	*out_n_new = 0;
	proc_list_threads(gatherer->gather->pid, &tids);
	for (size_t i = 0; i < tids.n && result == GATHER_DONE; i++) {
		pid_t tid = *(pid_t *)vec_at(&tids, i);
		struct gathered *thread;
		int err;

		if (is_known(gatherer, tid))
			continue;
		err = tracee_seize_silently(tid);
		if (err && err != ESRCH) {
			gatherer->gather->err = err;
			result = tracee_is_ours(tid) ? GATHER_GONE
						     : GATHER_DENIED;
		}
		if (err)
			continue;
		thread = vec_push(&gatherer->threads);
		thread->tid = tid;
		(*out_n_new)++;
		tracee_interrupt(tid); /* ESRCH: its exit is seen below */
	}
	vec_clear(&tids);
	return result;
}

void gather_reap_dead(pid_t pid)
{
	struct vec tids = VEC_OF(pid_t);
	struct wait_event event;

	proc_list_threads(pid, &tids);
	for (size_t i = 0; i < tids.n; i++) {
		pid_t tid = *(pid_t *)vec_at(&tids, i);

		if (tid != pid && tracee_wait_exit(tid, &event))
			tracee_reap(tid);
	}
	vec_clear(&tids);
}

/* Signals on the way are the thread's. False: it is gone. */
static bool look(struct gathered *thread)
{
	struct wait_event event;

	if (!tracee_wait(thread->tid, &event))
		return true;
	if (event.is_exit)
		return false;
	if (event.event == PTRACE_EVENT_STOP) {
		thread->is_stopped = true;
		return tracee_get_regs(thread->tid, &thread->regs) ==
		       TRACEE_OK;
	}
	tracee_resume(thread->tid, event.event ? 0 : event.signal);
	return tracee_interrupt(thread->tid) == TRACEE_OK;
}

/* The number of those that do not stand yet. */
static size_t look_at_all(struct gatherer *gatherer)
{
	size_t n_running = 0;

	for (size_t i = 0; i < gatherer->threads.n; i++) {
		struct gathered *thread = vec_at(&gatherer->threads, i);

		if (!thread->is_stopped && !look(thread)) {
			vec_remove_swap(&gatherer->threads, i--);
			continue;
		}
		n_running += !thread->is_stopped;
	}
	return n_running;
}

/* Until all stand, and no new one has come: who stands makes none. */
static enum gather_result stop_all(struct gatherer *gatherer)
{
	int64_t bound_ns = gatherer->begin_ns + gatherer->gather->wait_ns;

	do {
		enum gather_result result;
		size_t n_new;

		if (look_at_all(gatherer)) {
			tracee_pass_time(gatherer->begin_ns);
			continue;
		}
		result = seize_new(gatherer, &n_new);
		if (result != GATHER_DONE)
			return result;
		if (!gatherer->threads.n)
			return GATHER_GONE;
		if (!n_new)
			return GATHER_DONE;
	} while (clock_now_ns() < bound_ns);
	return GATHER_SILENT;
}

/* A call that the stop has cut short is made again. */
static void let_go(struct gatherer *gatherer)
{
	for (size_t i = 0; i < gatherer->threads.n; i++) {
		struct gathered *thread = vec_at(&gatherer->threads, i);
		long result;
		bool has_seccomp;

		if (!thread->is_stopped)
			continue; /* the end of this thread lets it go */
		has_seccomp = proc_status_number(thread->tid, "Seccomp") > 0;
		if (restart_repair(&thread->regs, has_seccomp, &result))
			tracee_set_result(thread->tid, &thread->regs, result);
		tracee_detach(thread->tid, 0);
	}
}

static void *run_gather(void *arg)
{
	struct gatherer *gatherer = arg;
	struct gather *gather = gatherer->gather;

	gatherer->begin_ns = clock_now_ns();
	gatherer->result = stop_all(gatherer);
	if (gatherer->result == GATHER_DONE &&
	    !gather->act(gather->ctx, gatherer->threads.data,
			 gatherer->threads.n))
		gatherer->result = GATHER_UNFIT;
	let_go(gatherer);
	gather->held_ns = clock_now_ns() - gatherer->begin_ns;
	return NULL;
}

static void join_and_reap(pid_t pid, pthread_t thread)
{
	struct timespec until = timespec_of_ns(clock_wall_ns() + REAP_NS);

	while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT) {
		gather_reap_dead(pid);
		until = timespec_of_ns(clock_wall_ns() + REAP_NS);
	}
}

enum gather_result gather_threads(struct gather *gather)
{
	struct gatherer gatherer = {
		.gather = gather,
		.threads = VEC_OF(struct gathered),
		.result = GATHER_DENIED,
	};
	sigset_t all, before;
	pthread_t thread;

	gather->err = 0;
	gather->held_ns = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	gather->err = pthread_create(&thread, NULL, run_gather, &gatherer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!gather->err)
		join_and_reap(gather->pid, thread);
	vec_clear(&gatherer.threads);
	return gatherer.result;
}
