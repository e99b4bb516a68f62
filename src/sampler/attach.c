/* SPDX-License-Identifier: MIT */
/* attach.c - how targets come under the sampler: attach, or launch. */
#include "sampler/attach.h"

#include <errno.h>

#include "sampler/births.h"
#include "sampler/storm.h"
#include "target/permission.h"
#include "util/log.h"

#define LONG_AGO_TICKS 1000000
#define SEIZES_PER_LOOK 16 /* some 200 us */
#define EXEC_TRIES 20
#define EXEC_WAIT_NS 2000000
#define SCANS_MAX 100 /* a program may make threads as fast as we seize */

/* Another thread watches over how long this takes. */
static int seize(struct sampler *s, pid_t pid, pid_t tid)
{
	int err;

	atomic_store(&s->rescue.seize_pid, pid);
	atomic_store(&s->rescue.seize_ns, clock_now_ns());
	err = tracee_seize(tid, s->options.children);
	atomic_store(&s->rescue.seize_ns, 0);
	return err;
}

/* Asked once, of the first thread: it is the kernel's, not the target's. */
static void probe_schedstat(struct sampler *s, pid_t pid)
{
	if (s->roster.processes.n > 1 || s->stats.is_coarse ||
	    proc_has_schedstat(pid, pid))
		return;
	s->roster.is_coarse = s->stats.is_coarse = true;
	log_notice("this kernel keeps no schedstat: going by the context "
		   "switches of each thread, which is less exact");
}

static void add_attached(struct sampler *s, struct process *process, pid_t tid)
{
	struct thread *thread = roster_find(&s->roster, tid);

	if (!thread) /* else it is who was here under this number */
		thread = births_add_thread(s, process, tid);
	thread->state = THREAD_RUNNING;
	accounts_attach_thread(s, thread);
	/* It may have slept for days: a look will tell. */
	thread->moved_tick = s->tick - LONG_AGO_TICKS;
}

/*
 * Those already seized may stop at a signal meanwhile. To ask them all each
 * time would take as long as the rest of the work for 10,000 threads.
 */
static void answer_events(struct sampler *s)
{
	sampler_take_news(s);
	if (!s->has_news)
		return;
	s->has_news = false;
	sampler_drain(s);
}

/*
 * A SEIZE waits for an exec that is under way. Who called it then has the
 * number of its process, and so have we seized that one.
 */
static pid_t number_now(const struct process *process, pid_t tid)
{
	return proc_has_thread(process->pid, tid) ? tid : process->pid;
}

/*
 * If a thread that was not yet seized calls exec, the leader that was is gone
 * without a word, and who has its number now is not traced.
 */
static bool is_seized(const struct sampler *s, const struct process *process,
		      pid_t tid)
{
	return roster_find(&s->roster, tid) &&
	       (tid != process->pid || tracee_is_ours(tid));
}

bool attach_found(struct sampler *s, struct process *process, pid_t tid)
{
	struct proc_stat stat;
	int err = seize(s, process->pid, tid);

	/* Not since it ends, nor as a maker's event will tell of it next, but
	 * as prctl(2) or a new uid forbids it by now. */
	if (err == EPERM && !tracee_is_ours(tid) &&
	    proc_read_stat(process->pid, tid, &stat) && stat.state != 'Z' &&
	    stat.state != 'X')
		storm_forbid(process);
	if (err)
		return false;
	if (number_now(process, tid) == process->pid)
		sampler_exec_unseen(s, process);
	else
		births_add_found(s, process, tid);
	return true;
}

/*
 * One pass over the threads. Threads born of seized ones are seized by the
 * kernel; those of threads not yet seized show up in the next pass.
 */
static int seize_pass(struct sampler *s, struct process *process,
		      const struct vec *tids, size_t *n_new)
{
	pid_t pid = process->pid;
	int first_error = 0;

	*n_new = 0;
	for (size_t i = 0; i < tids->n; i++) {
		pid_t tid = *(pid_t *)vec_at(tids, i);
		int err;

		if (is_seized(s, process, tid))
			continue;
		err = seize(s, pid, tid);
		if (err == 0) {
			add_attached(s, process, number_now(process, tid));
			++*n_new;
		} else if (err != ESRCH && !first_error) {
			first_error = err;
		}
		if (i % SEIZES_PER_LOOK == 0)
			answer_events(s);
		if (roster_find_process(&s->roster, pid) != process) {
			*n_new = 0; /* its leader has ended */
			return ESRCH;
		}
	}
	sampler_drain(s);
	return first_error;
}

static void warn_if_stopped(pid_t pid)
{
	struct proc_stat stat;

	if (proc_read_stat(pid, pid, &stat) && stat.state == 'T')
		log_notice("process %d is stopped; waiting for its SIGCONT",
			   (int)pid);
}

struct error *attach_process(struct sampler *s, pid_t pid)
{
	struct error *error = attach_check(pid);
	struct process *process;
	size_t n_new = 1;
	int err = 0;

	if (error)
		return error;
	warn_if_stopped(pid);
	process = births_add_process(s, pid, NULL);
	probe_schedstat(s, pid);
	accounts_attach_process(s, process);
	process->is_attaching = true;
	for (int scan = 0; n_new && scan < SCANS_MAX; scan++) {
		struct vec tids = VEC_OF(pid_t);

		proc_list_threads(pid, &tids);
		err = seize_pass(s, process, &tids, &n_new);
		vec_clear(&tids);
		/*
		 * In the middle of an exec nobody may attach; for a moment
		 * there is nobody, while a thread takes the leader's number
		 * (de_thread() in the kernel's fs/exec.c). Try again.
		 */
		if ((err == EPERM || !err) && !process->n_threads &&
		    scan < EXEC_TRIES) {
			nanosleep(&(struct timespec){ .tv_nsec = EXEC_WAIT_NS },
				  NULL);
			n_new = 1;
		}
	}
	if (roster_find_process(&s->roster, pid) != process)
		return error_new("cannot attach to %d: it has ended",
				 (int)pid);
	process->is_attaching = false;
	if (process->n_threads)
		return NULL;
	roster_remove_process(&s->roster, process);
	s->stats.processes--;
	return attach_error(pid, err ? err : ESRCH);
}

struct error *attach_launched(struct sampler *s, const struct launch *launch)
{
	struct process *process;
	struct thread *thread;
	int err = seize(s, launch->pid, launch->pid);

	if (err)
		return error_hint(error_errno(err, "cannot trace the program"),
				  "cause: a seccomp filter or a container "
				  "forbids ptrace(2)");
	s->launch = *launch;
	s->root = launch->pid;
	process = births_add_process(s, launch->pid, NULL);
	probe_schedstat(s, launch->pid);
	thread = births_add_thread(s, process, launch->pid);
	thread->state = THREAD_RUNNING;
	thread->is_sampled = false; /* until it has called exec */
	launch_exec(&s->launch);
	return NULL;
}
