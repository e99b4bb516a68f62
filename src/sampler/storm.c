/* SPDX-License-Identifier: MIT */
/*
 * storm.c - threads that live for less than a period, by the hundred.
 *
 * To be told of a birth costs its maker and the newborn a stop each, 40 us
 * where a thread is made and joined in 15; and most of them are gone before
 * a tick comes. So who makes many that do not stay loses PTRACE_O_TRACECLONE,
 * at the next of those stops, and the threads there are at a tick are found in
 * /proc/PID/task and seized then, which stops nobody. CPU time stays exact:
 * the clock of the process has that of all threads, and what has no account of
 * its own is the pool's (accounts.c). Not in wall mode, where each thread's
 * life counts, nor for chosen threads, which the clock does not tell apart.
 *
 * A storm lasts for a window, then for two, four ...: in between its makers
 * are told to speak again, at stops that happen anyway. What a thread makes
 * that we do not hold is not told of, and of a process that is for good: no
 * storm where threads were seen to make processes, or may not be seized.
 */
#include "sampler/storm.h"

#include <errno.h>
#include <signal.h>

#include "sampler/attach.h"
#include "sampler/births.h"

#define BIRTHS_MIN 100	   /* in a window */
#define BIRTHS_PER_LIVING 4 /* else most of them stay */
#define WINDOWS_MAX 32
#define THREADS_PER_SCAN 256 /* more of them are listed more rarely */

static bool may_be_storm(const struct sampler *s,
			 const struct process *process)
{
	return s->options.mode == MODE_CPU && !s->options.tids &&
	       !process->no_storm && process->n_births > BIRTHS_MIN &&
	       process->n_births > process->n_threads * BIRTHS_PER_LIVING;
}

void storm_note_birth(struct sampler *s, struct thread *maker)
{
	struct process *process = maker->process;

	process->n_births++;
	if (!process->is_storm && may_be_storm(s, process)) {
		process->is_storm = process->wants_scan = true;
		if (process->storm_length < WINDOWS_MAX)
			process->storm_length += process->storm_length + 1;
		process->storm_left = process->storm_length;
	}
	if (!process->is_storm || maker->is_deaf ||
	    tracee_tell_births(maker->tid, false, s->options.children))
		return;
	maker->is_deaf = true;
	process->n_deaf++;
}

/* It has its options from its maker (ptrace_init_task() in the kernel). */
void storm_note_child(struct process *parent, struct thread *child)
{
	if (!parent->wants_scan || child->process == parent)
		return;
	child->is_deaf = child->process->wants_scan = true;
	child->process->n_deaf++;
}

void storm_forget_thread(struct thread *thread)
{
	if (thread->is_deaf)
		thread->process->n_deaf--;
	thread->is_deaf = false;
}

void storm_at_stop(struct sampler *s, struct thread *thread)
{
	if (thread->is_deaf && !thread->process->is_storm &&
	    !tracee_tell_births(thread->tid, true, s->options.children))
		storm_forget_thread(thread);
}

void storm_forbid(struct process *process)
{
	process->no_storm = true;
	process->is_storm = false;
}

void storm_end(struct process *process)
{
	process->is_storm = process->no_storm = false;
	process->storm_length = process->n_births = 0;
}

/*
 * Is it one that we hold? If a thread that nobody told of calls exec, the
 * leader that was is gone without a word, and another one has its number.
 */
static bool is_known(const struct sampler *s, const struct process *process,
		     pid_t tid)
{
	return roster_find(&s->roster, tid) &&
	       (tid != process->pid || tracee_is_ours(tid));
}

/* True if it is ours now. */
static bool take_found(struct sampler *s, struct process *process, pid_t tid)
{
	if (!attach_found(s, process, tid))
		return false;
	if (s->options.children && tid != process->pid &&
	    proc_has_children(process->pid, tid)) /* made unheard */
		storm_forbid(process);
	return true;
}

/* The same exec: nobody will tell how it goes on. */
static bool is_lost(const struct sampler *s, const struct process *process)
{
	return roster_find(&s->roster, process->pid) &&
	       !tracee_is_ours(process->pid);
}

/* Has it ended, and not only vanished from a list in the midst of an exec? */
static bool has_ended(const struct process *process, size_t n_listed)
{
	struct proc_stat stat;

	if (!proc_read_stat(process->pid, process->pid, &stat))
		return kill(process->pid, 0) && errno == ESRCH;
	return (stat.state == 'Z' && n_listed <= 1) ||
	       stat.start_ticks != process->start_ticks;
}

/* True if something changed: there may be more. */
static bool scan(struct sampler *s, struct process *process)
{
	bool was_lost = is_lost(s, process), any = false;
	struct vec tids = VEC_OF(pid_t);
	struct proc_stat stat;

	proc_list_threads(process->pid, &tids);
	if (was_lost && has_ended(process, tids.n)) {
		sampler_lose(s, process);
		vec_clear(&tids);
		return true;
	}
	if (!process->start_ticks &&
	    proc_read_stat(process->pid, process->pid, &stat))
		process->start_ticks = stat.start_ticks;
	for (size_t i = 0; i < tids.n; i++) {
		pid_t tid = *(pid_t *)vec_at(&tids, i);

		if (!is_known(s, process, tid) && take_found(s, process, tid))
			any = true;
	}
	vec_clear(&tids);
	return any || was_lost;
}

bool storm_has_more(struct sampler *s, struct process *process)
{
	return process->wants_scan && scan(s, process);
}

void storm_scan(struct sampler *s)
{
	for (size_t i = 0; i < s->roster.processes.n; i++) {
		struct process *process = roster_process(&s->roster, i);

		if (!process->wants_scan ||
		    (!s->is_paused &&
		     s->tick % (process->n_threads / THREADS_PER_SCAN + 1)))
			continue;
		/* When all of them speak, one that finds none is the last. */
		if (!scan(s, process) && !process->is_storm &&
		    !process->n_deaf)
			process->wants_scan = false;
	}
}

void storm_close_window(struct sampler *s)
{
	for (size_t i = 0; i < s->roster.processes.n; i++) {
		struct process *process = roster_process(&s->roster, i);

		if (process->is_storm && !--process->storm_left)
			process->is_storm = false;
		else if (!process->is_storm &&
			 process->n_births <= BIRTHS_MIN &&
			 !process->n_deaf)
			process->storm_length = 0;
		process->n_births = 0;
	}
}
