/* SPDX-License-Identifier: MIT */
/*
 * events.c - what tracees tell us: stops, births, exec, exits.
 *
 * Every stop is answered at once; one that nobody collects freezes a thread
 * for as long as it stays uncollected. A child's first stop may come before or
 * after its parent's event about it, so both can make its entry. Where both are
 * there the child is named first, as the kernel lists the youngest tracee
 * first: it is held until its parent's event is had, which tells of it without
 * a look into /proc.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "sampler/births.h"
#include "sampler/storm.h"

#define SWEEP_THREADS 64
#define FEW_TO_WAIT_FOR 32 /* one wait for all of them is the cheaper one */
#define SWEEP_EVENTS 16
/* Libraries are mapped one after the other. */
#define MAPS_AFTER_EXEC 4

static void forget_outstanding(struct sampler *s, struct thread *thread)
{
	for (size_t i = 0; i < s->outstanding.n; i++) {
		if (*(struct thread **)vec_at(&s->outstanding, i) == thread) {
			vec_remove_swap(&s->outstanding, i);
			return;
		}
	}
}

static void end_thread(struct sampler *s, struct thread *thread)
{
	forget_outstanding(s, thread);
	sampler_pay_wall(s, thread, clock_now_ns());
	s->stats.existed_ns += clock_now_ns() - thread->born_ns;
	accounts_end_thread(s, thread);
	if (thread->was_sent)
		sampler_send(s, &(struct record){
			.kind = RECORD_SLOT_END,
			.slot = thread->slot,
			.subject = thread->process->subject,
		});
	s->stats.live_threads--;
	storm_forget_thread(thread);
	if (s->upt)
		upt_forget(s->upt, thread->tid);
	roster_remove_thread(&s->roster, thread);
}

static void end_process(struct sampler *s, struct process *process)
{
	for (size_t i = s->roster.live.n; i-- > 0;) {
		struct thread *thread = roster_live(&s->roster, i);

		if (thread->process == process)
			end_thread(s, thread);
	}
	accounts_end_process(s, process);
	if (s->roster.processes.n == 1)
		accounts_end_brief(s, process);
	if (process->is_announced)
		sampler_send(s, &(struct record){
			.kind = RECORD_SUBJECT_END,
			.subject = process->subject,
		});
	roster_remove_process(&s->roster, process);
}

void sampler_end_all(struct sampler *s)
{
	while (s->roster.processes.n)
		end_process(s, roster_process(&s->roster, 0));
}

/*
 * A leader that had ended before we came was not seized, and nothing will be
 * heard of it: the process ends with its last thread.
 */
static void end_thread_of(struct sampler *s, struct thread *thread)
{
	struct process *process = thread->process;

	end_thread(s, thread);
	if (!process->n_threads && !process->is_attaching &&
	    !storm_has_more(s, process))
		end_process(s, process);
}

/* An exit was seen but not reaped: the clocks of the dead still answer. */
static void handle_exit(struct sampler *s, const struct wait_event *event)
{
	struct thread *thread = roster_find(&s->roster, event->tid);
	struct process *process =
		roster_find_process(&s->roster, event->tid);
	struct wait_event first;

	births_take_held(s, event->tid, &first); /* void now */
	if (thread && thread->state == THREAD_INTERRUPTED && !thread->is_late)
		s->stats.ended++;
	if (process) /* its leader: reported last, when all others are gone */
		end_process(s, process);
	else if (thread)
		end_thread_of(s, thread);
	if (event->tid == s->root && !s->root_ended) {
		s->root_ended = true;
		s->root_status = event->status;
		if (!s->has_execed)
			s->exec_errno = launch_exec_errno(&s->launch);
	}
	tracee_reap(event->tid);
}

void sampler_lose(struct sampler *s, struct process *process)
{
	struct wait_event event;

	if (tracee_wait_exit(process->pid, &event))
		handle_exit(s, &event);
	else
		end_process(s, process);
}

/*
 * Any stop takes a pending interrupt back (ptrace_stop() in the kernel: "any
 * trap clears pending STOP trap"). So this one is the answer to ours as well:
 * no other will come. True if the thread goes on.
 */
static bool answer_interrupt(struct sampler *s, struct thread *thread,
			     int signal)
{
	if (thread->state != THREAD_INTERRUPTED)
		return false;
	forget_outstanding(s, thread);
	thread->state = THREAD_RUNNING;
	capture_stop(s, thread, signal);
	return true;
}

static void handle_birth(struct sampler *s, struct thread *parent, int event)
{
	struct process *process = parent->process;
	bool is_leader = parent->tid == process->pid, has_stopped;
	struct wait_event first;
	struct thread *child;
	unsigned long tid;

	if (tracee_event_message(parent->tid, &tid) != TRACEE_OK)
		tid = 0; /* killed meanwhile */
	if (event == PTRACE_EVENT_CLONE)
		storm_note_birth(s, parent);
	if (!answer_interrupt(s, parent, 0))
		tracee_resume(parent->tid, 0);
	if (!tid)
		return;
	has_stopped = births_expect(s, process, (pid_t)tid, &first);
	child = roster_find(&s->roster, (pid_t)tid);
	/* So may a thread that is not held, and nobody would tell of that. */
	if (event == PTRACE_EVENT_CLONE ? child && child->process != process
					: !is_leader)
		storm_forbid(process);
	if (has_stopped)
		sampler_handle_event(s, &first);
}

/* Its process is another program now, and @caller its only thread. */
static void take_over(struct sampler *s, struct thread *caller, pid_t pid)
{
	struct process *process = caller->process;

	forget_outstanding(s, caller);
	sampler_pay_wall(s, caller, clock_now_ns());
	accounts_exec(s, caller);
	roster_rename_thread(&s->roster, caller, pid);
	births_exec(s, caller);
	storm_end(process);
	process->pool_hits = 0;
	follow_forget(caller);
	process->was_sent = false;
	process->n_maps = MAPS_AFTER_EXEC;
	stackmap_clear(&process->stackmap);
	caller->stack_lo = caller->stack_hi = 0;
	caller->has_stack = false;
	caller->state = THREAD_RUNNING;
	caller->idle_looks = 0;
	roster_look_at(&s->roster, caller, s->tick);
}

/* The launched program begins: what it did until now was ours. */
static void begin_program(struct sampler *s, struct thread *caller)
{
	s->has_execed = true;
	accounts_attach_process(s, caller->process);
	accounts_attach_thread(s, caller);
	caller->is_new = true;
	caller->born_ns = caller->wall_from_ns = clock_now_ns();
}

/*
 * The thread that called exec has the tid of its process now; all others are
 * gone, and a leader that was another thread is never reported as ended
 * (ptrace(2), "execve(2) under ptrace"). @caller NULL: it was not known.
 */
static struct thread *replace_program(struct sampler *s,
				      struct process *process,
				      struct thread *caller)
{
	for (size_t i = s->roster.live.n; i-- > 0;) {
		struct thread *thread = roster_live(&s->roster, i);

		if (thread->process == process && thread != caller)
			end_thread(s, thread);
	}
	if (!caller)
		caller = births_add_thread(s, process, process->pid);
	take_over(s, caller, process->pid);
	return caller;
}

void sampler_exec_unseen(struct sampler *s, struct process *process)
{
	replace_program(s, process, NULL);
}

static void handle_exec(struct sampler *s, pid_t pid)
{
	struct process *process = roster_find_process(&s->roster, pid);
	unsigned long former = (unsigned long)pid;
	struct thread *caller;

	tracee_event_message(pid, &former);
	if (process) {
		caller = replace_program(s, process,
					 roster_find(&s->roster,
						     (pid_t)former));
		if (pid == s->root && !s->has_execed)
			begin_program(s, caller);
		storm_at_stop(s, caller);
	}
	tracee_resume(pid, 0);
}

/*
 * clone(2) may also make a process, which TRACECLONE seizes even when
 * children are not followed: let it go at its first stop.
 */
static bool is_unwanted(const struct sampler *s, const struct thread *thread)
{
	return !s->options.children && thread->process->is_born &&
	       thread->process->pid == thread->tid;
}

static void handle_stop_event(struct sampler *s, struct thread *thread,
			      const struct wait_event *event)
{
	bool is_asked = thread->state == THREAD_INTERRUPTED;

	forget_outstanding(s, thread);
	if (event->signal != SIGTRAP) { /* group-stop: SIGSTOP, SIGTSTP ... */
		thread->state = THREAD_STOPPED;
		tracee_listen(thread->tid);
		return;
	}
	thread->state = THREAD_RUNNING;
	if (is_asked) {
		capture_stop(s, thread, 0);
	} else if (is_unwanted(s, thread)) {
		tracee_detach(thread->tid, 0);
		end_process(s, thread->process);
	} else {
		storm_at_stop(s, thread);
		tracee_resume(thread->tid, 0);
	}
}

static void answer(struct sampler *s, struct thread *thread,
		   const struct wait_event *event)
{
	switch (event->event) {
	case PTRACE_EVENT_STOP:
		handle_stop_event(s, thread, event);
		break;
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		handle_birth(s, thread, event->event);
		break;
	case PTRACE_EVENT_EXEC:
		handle_exec(s, event->tid);
		break;
	default:
		if (event->event) /* not asked for */
			tracee_resume(event->tid, 0);
		else if (!answer_interrupt(s, thread, event->signal))
			capture_signal(s, thread, event->signal);
		break;
	}
}

static void adopt(struct sampler *s, const struct wait_event *event)
{
	struct thread *thread = births_adopt(s, event->tid);

	if (thread) {
		if (thread->state == THREAD_UNBORN)
			thread->state = THREAD_RUNNING;
		answer(s, thread, event);
	} else if (event->event == PTRACE_EVENT_STOP &&
		   event->signal != SIGTRAP) {
		tracee_listen(event->tid);
	} else { /* killed meanwhile, or we have no descriptors left */
		tracee_resume(event->tid, event->event ? 0 : event->signal);
	}
}

/* Their makers' events did not come. */
static void adopt_held(struct sampler *s)
{
	struct wait_event event;

	while (births_take_held(s, 0, &event))
		adopt(s, &event);
}

void sampler_handle_event(struct sampler *s, const struct wait_event *event)
{
	struct thread *thread;

	if (event->is_exit) {
		handle_exit(s, event);
		return;
	}
	thread = roster_find(&s->roster, event->tid);
	if (thread)
		answer(s, thread, event);
	else if (event->event == PTRACE_EVENT_STOP)
		births_hold(s, event);
	else
		adopt(s, event);
}

bool sampler_collect_outstanding(struct sampler *s)
{
	bool any = false;

	for (size_t i = s->outstanding.n; i-- > 0;) {
		struct thread *thread;
		struct wait_event event;

		if (i >= s->outstanding.n)
			continue;
		thread = *(struct thread **)vec_at(&s->outstanding, i);
		if (!tracee_wait_stop(thread->tid, &event))
			continue;
		any = true;
		sampler_handle_event(s, &event);
	}
	return any;
}

void sampler_collect_one(struct sampler *s, pid_t tid)
{
	const struct thread *thread = roster_find(&s->roster, tid);
	struct wait_event event;

	if (thread && thread->state == THREAD_INTERRUPTED &&
	    tracee_wait_stop(tid, &event))
		sampler_handle_event(s, &event);
}

/* A thread in D state, in vfork or in a frozen cgroup does not stop now. */
static void give_up_overdue(struct sampler *s)
{
	int64_t now = clock_now_ns();

	for (size_t i = s->outstanding.n; i-- > 0;) {
		struct thread *thread =
			*(struct thread **)vec_at(&s->outstanding, i);

		struct wait_event event;

		if (now - thread->interrupted_ns < STOP_BOUND_NS)
			continue;
		/* Were we held up ourselves? */
		if (tracee_wait_stop(thread->tid, &event)) {
			sampler_handle_event(s, &event);
			return;
		}
		if (thread->state == THREAD_INTERRUPTED) {
			thread->is_late = true;
			s->stats.busy++;
		}
		vec_remove_swap(&s->outstanding, i);
	}
}

/*
 * Ask every thread by its id. A wait for any one walks the list of all
 * tracees (0.3 ms at 10,000), so when many have something to tell, as at the
 * end of a large process, this is the cheaper way.
 */
static void sweep(struct sampler *s)
{
	for (size_t i = s->roster.live.n; i-- > 0;) {
		struct wait_event event;

		if (i >= s->roster.live.n)
			continue;
		while (i < s->roster.live.n &&
		       tracee_wait(roster_live(&s->roster, i)->tid, &event))
			sampler_handle_event(s, &event);
	}
}

/* Those whose next look is at one of these ticks. */
static void ask_those(struct sampler *s, uint64_t first, uint64_t last)
{
	for (size_t i = s->roster.live.n; i-- > 0;) {
		const struct live_thread *live;
		struct wait_event event;

		if (i >= s->roster.live.n) /* some have ended */
			continue;
		live = vec_at(&s->roster.live, i);
		if (live->next_tick >= first && live->next_tick <= last &&
		    tracee_wait(roster_live(&s->roster, i)->tid, &event))
			sampler_handle_event(s, &event);
	}
	sampler_collect_outstanding(s);
	sampler_settle(s);
}

void sampler_ask_active(struct sampler *s)
{
	ask_those(s, 0, s->tick + 1);
}

void sampler_ask_recent(struct sampler *s)
{
	ask_those(s, s->tick + 1, s->tick + 1);
}

void sampler_settle(struct sampler *s)
{
	if (s->outstanding.n)
		give_up_overdue(s);
	if (s->is_urgent || ring_pending(&s->ring) > RING_WAKE_BYTES)
		ring_wake(&s->ring);
	s->is_urgent = false;
}

void sampler_rescue_exits(struct sampler *s)
{
	pid_t pid = atomic_load(&s->rescue.seize_pid);
	struct vec tids = VEC_OF(pid_t);
	struct wait_event event;

	proc_list_threads(pid, &tids);
	pthread_mutex_lock(&s->rescue.lock);
	for (size_t i = 0; i < tids.n; i++) {
		if (!tracee_wait_exit(*(pid_t *)vec_at(&tids, i), &event))
			continue;
		tracee_reap(event.tid);
		*(struct wait_event *)vec_push(&s->rescue.events) = event;
		atomic_store(&s->rescue.any, true);
	}
	pthread_mutex_unlock(&s->rescue.lock);
	vec_clear(&tids);
}

static void take_rescued(struct sampler *s)
{
	struct vec taken;

	pthread_mutex_lock(&s->rescue.lock);
	taken = s->rescue.events;
	s->rescue.events = VEC_OF(struct wait_event);
	atomic_store(&s->rescue.any, false);
	pthread_mutex_unlock(&s->rescue.lock);
	for (size_t i = 0; i < taken.n; i++)
		sampler_handle_event(s, vec_at(&taken, i));
	vec_clear(&taken);
}

void sampler_drain(struct sampler *s)
{
	sampler_drain_until(s, INT64_MAX);
}

void sampler_drain_until(struct sampler *s, int64_t bound_ns)
{
	struct wait_event event;
	size_t n = 0;

	if (atomic_load(&s->rescue.any))
		take_rescued(s);

	if (s->roster.live.n > FEW_TO_WAIT_FOR)
		sampler_collect_outstanding(s);
	while (tracee_wait(0, &event)) {
		size_t n_before = s->outstanding.n;

		sampler_handle_event(s, &event);
		/* Our stops are not to wait behind events of others. */
		if (s->roster.live.n > FEW_TO_WAIT_FOR ||
		    s->outstanding.n >= n_before)
			sampler_collect_outstanding(s);
		if (++n % SWEEP_EVENTS)
			continue;
		adopt_held(s);
		if (clock_now_ns() >= bound_ns) {
			s->has_news = true;
			break;
		}
		/* So many at once: a large process ends, and more will come. */
		if (s->roster.live.n > SWEEP_THREADS)
			sweep(s);
	}
	adopt_held(s);
	sampler_settle(s);
}
