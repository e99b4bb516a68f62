/* SPDX-License-Identifier: MIT */
/*
 * births.c - new processes and threads.
 *
 * A storm of births is thousands of stops a second, at each of which a parent
 * and its child wait for us: nothing is read of them that can be told without
 * (bench/RESULTS.md). A newborn thread has not run, a newborn process has its
 * parent's program; and when there are many, those that end without a sample
 * are not heard of by the unwinder.
 */
#include "sampler/births.h"

#include "sampler/storm.h"
#include "target/permission.h"
#include "util/log.h"

#define FEW_BIRTHS 50 /* in a window: processes are told of at once */

void births_announce(struct sampler *s, struct process *process)
{
	if (process->is_announced)
		return;
	process->is_announced = true;
	sampler_send(s, &(struct record){
		.kind = RECORD_SUBJECT,
		.subject = process->subject,
		.pid = process->pid,
		.parent = process->parent_subject,
	});
	s->is_urgent = true;
}

struct process *births_add_process(struct sampler *s, pid_t pid,
				   const struct process *parent)
{
	struct process *process = roster_add_process(&s->roster, pid);

	s->stats.processes++;
	process->parent_subject = NO_ID;
	if (!parent) {
		process->has_known_bits = true;
		process->is_32bit = process_is_32bit(pid);
		births_announce(s, process);
		return process;
	}
	process->has_known_bits = parent->has_known_bits;
	process->is_32bit = parent->is_32bit;
	process->parent_subject = parent->is_announced
					  ? parent->subject
					  : parent->parent_subject;
	if (s->n_births++ < FEW_BIRTHS)
		births_announce(s, process);
	return process;
}

static bool is_wanted(const struct sampler *s, pid_t tid)
{
	for (size_t i = 0; i < s->options.n_tids; i++)
		if (s->options.tids[i] == tid)
			return true;
	return !s->options.tids;
}

/* @tid has not run, or its schedstat is read by the caller. */
static struct thread *add_newborn(struct sampler *s, struct process *process,
				  pid_t tid)
{
	struct thread *thread = roster_add_thread(&s->roster, process, tid);

	s->stats.threads++;
	s->stats.live_threads++;
	thread->is_sampled = is_wanted(s, tid) && !process->is_32bit;
	thread->moved_tick = s->tick;
	roster_look_at(&s->roster, thread, s->tick);
	thread->born_ns = thread->wall_from_ns = clock_now_ns();
	return thread;
}

struct thread *births_add_thread(struct sampler *s, struct process *process,
				 pid_t tid)
{
	struct thread *thread = add_newborn(s, process, tid);

	if (thread_read_schedstat(&s->roster, thread, &thread->seen))
		thread->run_ns = thread->seen.run_ns;
	return thread;
}

void births_add_found(struct sampler *s, struct process *process, pid_t tid)
{
	add_newborn(s, process, tid)->state = THREAD_RUNNING;
}

void births_check_bits(struct sampler *s, struct process *process)
{
	if (process->has_known_bits)
		return;
	process->has_known_bits = true;
	process->is_32bit = process_is_32bit(process->pid);
	if (!process->is_32bit)
		return;
	for (size_t i = 0; i < s->roster.live.n; i++)
		if (roster_live(&s->roster, i)->process == process)
			roster_live(&s->roster, i)->is_sampled = false;
	log_warning("process %d runs a 32-bit program, which is not sampled",
		    (int)process->pid);
}

void births_exec(struct sampler *s, struct thread *caller)
{
	struct process *process = caller->process;
	bool was_announced = process->is_announced;
	uint32_t old = process->subject;

	roster_new_subject(&s->roster, process);
	process->parent_subject = NO_ID;
	process->is_announced = false;
	process->has_known_bits = process->is_32bit = false;
	caller->is_sampled = is_wanted(s, caller->tid);
	if (was_announced)
		births_announce(s, process);
	if (was_announced)
		sampler_send(s, &(struct record){
			.kind = RECORD_SUBJECT_END, .subject = old });
}

/* Who made @pid, when the event about its birth is still to come. */
static pid_t parent_of(pid_t pid)
{
	struct proc_stat stat;

	return proc_read_stat(pid, pid, &stat) ? stat.ppid : 0;
}

struct thread *births_adopt(struct sampler *s, pid_t tid)
{
	pid_t pid = proc_traced_group(tid);
	struct thread *maker = NULL, *thread;
	struct process *process;

	if (pid <= 0)
		return NULL;
	process = roster_find_process(&s->roster, pid);
	if (!process) {
		maker = roster_find(&s->roster, parent_of(pid));
		process = births_add_process(s, pid,
					     maker ? maker->process : NULL);
		process->is_born = process->is_brief = true;
	}
	thread = births_add_thread(s, process, tid);
	if (maker)
		storm_note_child(maker->process, thread);
	return thread;
}

/*
 * The event about it may come after the child's end: then it is a zombie, that
 * of its parent, no tracee any more, and nothing more will be heard of it.
 */
static struct thread *adopt_child(struct sampler *s, struct process *parent,
				  pid_t tid, bool is_held)
{
	struct process *process = parent;
	struct thread *thread;

	if (!is_held && !tracee_is_ours(tid))
		return NULL;
	if (!proc_has_thread(parent->pid, tid)) {
		process = births_add_process(s, tid, parent);
		process->is_born = process->is_brief = true;
	}
	thread = add_newborn(s, process, tid);
	storm_note_child(parent, thread);
	return thread;
}

void births_hold(struct sampler *s, const struct wait_event *event)
{
	*(struct wait_event *)vec_push(&s->held) = *event;
}

bool births_take_held(struct sampler *s, pid_t tid, struct wait_event *out)
{
	for (size_t i = 0; i < s->held.n; i++) {
		*out = *(struct wait_event *)vec_at(&s->held, i);
		if (tid && out->tid != tid)
			continue;
		vec_remove_swap(&s->held, i);
		return true;
	}
	return false;
}

/*
 * Its first stop is asked for by its own id: a wait for any one names the
 * youngest tracee first, and where many are made older ones would go on
 * waiting.
 */
bool births_expect(struct sampler *s, struct process *parent, pid_t tid,
		   struct wait_event *out_first)
{
	struct thread *thread;
	bool is_held;

	if (roster_find(&s->roster, tid))
		return false;
	is_held = births_take_held(s, tid, out_first);
	thread = adopt_child(s, parent, tid, is_held);
	if (!thread || is_held)
		return is_held;
	thread->state = THREAD_UNBORN;
	thread->interrupted_ns = clock_now_ns();
	*(struct thread **)vec_push(&s->outstanding) = thread;
	return false;
}
