/* SPDX-License-Identifier: MIT */
/* visit.c - stop one thread for a moment, once. */
#include "target/visit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>

#include "arch/restart.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"
#include "util/io.h"

#define STOP_WAIT_NS (NS_PER_S / 2)
#define REQUEST_GET_RSEQ 0x420f /* PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13 */

struct rseq_configuration { /* linux/ptrace.h */
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};

struct visitor {
	struct visit *visit;
	enum visit_result result;
};

/* Where the thread's restartable sequences are told of, or 0. */
static taddr read_rseq(pid_t tid)
{
	struct rseq_configuration rseq = { 0 };

	if (ptrace((enum __ptrace_request)REQUEST_GET_RSEQ, tid,
		   (void *)sizeof(rseq), &rseq) <= 0)
		return 0;
	return rseq.pointer;
}

/* Signals on the way are the thread's. */
static enum visit_result await_stop(pid_t tid)
{
	int64_t begin_ns = clock_now_ns();
	struct wait_event event;

	while (clock_now_ns() - begin_ns < STOP_WAIT_NS) {
		if (!tracee_wait(tid, &event)) {
			tracee_pass_time(begin_ns);
			continue;
		}
		if (event.is_exit)
			return VISIT_GONE;
		if (event.event == PTRACE_EVENT_STOP)
			return event.signal == SIGTRAP ? VISIT_DONE
						       : VISIT_UNFIT;
		tracee_resume(tid, event.event ? 0 : event.signal);
		if (tracee_interrupt(tid) != TRACEE_OK)
			return VISIT_GONE;
	}
	return VISIT_SILENT;
}

/* It stands: change it, or see to it that its call is restarted. */
static enum visit_result use_stop(struct visit *visit)
{
	struct user_regs_struct regs, before;
	bool has_seccomp;
	long result;

	if (tracee_get_regs(visit->tid, &regs) != TRACEE_OK)
		return VISIT_GONE;
	before = regs;
	if (visit->change(visit->ctx, &regs, read_rseq(visit->tid)))
		return tracee_set_regs(visit->tid, &regs) == TRACEE_OK
			       ? VISIT_DONE : VISIT_GONE;
	has_seccomp = proc_status_number(visit->tid, "Seccomp") > 0;
	if (restart_repair(&before, has_seccomp, &result))
		tracee_set_result(visit->tid, &before, result);
	return VISIT_UNFIT;
}

static void *run_visit(void *arg)
{
	struct visitor *visitor = arg;
	struct visit *visit = visitor->visit;
	int64_t begin_ns;

	visitor->result = VISIT_DENIED;
	visit->err = tracee_seize_silently(visit->tid);
	if (visit->err) {
		if (visit->err == ESRCH)
			visitor->result = VISIT_GONE;
		return NULL;
	}
	visitor->result = VISIT_GONE;
	if (tracee_interrupt(visit->tid) != TRACEE_OK)
		return NULL;
	visitor->result = await_stop(visit->tid);
	if (visitor->result != VISIT_DONE && visitor->result != VISIT_UNFIT)
		return NULL; /* the end of this thread lets it go */
	begin_ns = clock_now_ns();
	if (visitor->result == VISIT_DONE)
		visitor->result = use_stop(visit);
	tracee_detach(visit->tid, 0);
	visit->held_ns = clock_now_ns() - begin_ns;
	return NULL;
}

enum visit_result visit_thread(struct visit *visit)
{
	struct visitor visitor = { .visit = visit };
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(&thread, NULL, run_visit, &visitor);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		visit->err = err;
		return VISIT_DENIED;
	}
	pthread_join(thread, NULL);
	return visitor.result;
}

/* "x86_Thread_features:\tshstk wrss" (Linux 6.6) */
bool visit_has_shadow_stack(pid_t pid)
{
	CLEANUP(free) char *text = NULL;
	const char *line, *end;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	text = io_read_file(path, 1 << 16, NULL);
	line = text ? strstr(text, "\nx86_Thread_features:") : NULL;
	if (!line)
		return false;
	end = strchr(line + 1, '\n');
	line = strstr(line, "shstk");
	return line && (!end || line < end);
}
