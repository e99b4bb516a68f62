/* SPDX-License-Identifier: MIT */
/*
 * accounts.c - CPU time as the weight of hits, exact in sum.
 *
 * Once a second each thread that lived through the whole window hands the run
 * time that it has not yet handed out, run - base - paid, to its hits in that
 * window. What remains of the process clock belongs to the pool of threads
 * that were born or died in the window, whose hits share it:
 *
 *	owed(thread) = run - base - paid
 *	owed(pool)   = clock - paid(process) - sum of owed(thread)
 *
 * A debt without hits stays and is paid in a later window; at the end it is
 * [unsampled]. So what is handed out sums to the clock of the process.
 *
 * Of processes that live for less than a period most have no hit, and one that
 * has stands for them: those born and ended in one window share one pool.
 */
#include "sampler/accounts.h"

#include "sampler/births.h"

static int64_t owed_by_thread(const struct thread *thread)
{
	return (int64_t)thread->run_ns - thread->base_ns - thread->paid_ns;
}

/*
 * CPU time of what is sampled of @process: its clock, or when only some of
 * its threads were asked for, theirs. -1 when it cannot be read any more.
 */
static int64_t exact_clock(struct sampler *s, const struct process *process)
{
	int64_t sum_ns = process->ended_run_ns;

	if (!s->options.tids)
		return clock_read_ns(process->clock);
	for (size_t i = 0; i < s->roster.live.n; i++) {
		const struct thread *thread = roster_live(&s->roster, i);

		if (thread->process == process && thread->is_sampled)
			sum_ns += (int64_t)thread->run_ns - thread->base_ns;
	}
	return sum_ns;
}

/* The exact run time by now, for the accounts only. */
static void read_run_ns(struct sampler *s, struct thread *thread)
{
	struct schedstat now;

	if (thread_read_schedstat(&s->roster, thread, &now))
		thread->run_ns = now.run_ns;
}

void accounts_attach_thread(struct sampler *s, struct thread *thread)
{
	struct schedstat now;

	if (thread_read_schedstat(&s->roster, thread, &now)) {
		thread->run_ns = now.run_ns;
		thread->window.run_ns = now.run_ns;
		thread->window.slices = now.slices;
	}
	thread->base_ns = (int64_t)thread->run_ns;
	thread->is_new = false;
}

void accounts_attach_process(struct sampler *s, struct process *process)
{
	int64_t clock_ns = exact_clock(s, process);

	process->clock_base_ns = clock_ns > 0 ? clock_ns : 0;
	process->paused_clock_ns = process->clock_base_ns;
}

static void pay_thread(struct sampler *s, struct thread *thread)
{
	int64_t owed = owed_by_thread(thread);

	if (!thread->hits || owed <= 0)
		return;
	sampler_send(s, &(struct record){
		.kind = RECORD_PAY,
		.slot = thread->slot,
		.subject = thread->process->subject,
		.cpu_ns = owed,
	});
	thread->paid_ns += owed;
	thread->process->paid_ns += owed;
	thread->hits = 0;
}

static void send_to_pool(struct sampler *s, struct thread *thread)
{
	if (!thread->hits)
		return;
	sampler_send(s, &(struct record){
		.kind = RECORD_TO_POOL,
		.slot = thread->slot,
		.subject = thread->process->subject,
	});
	thread->process->pool_hits += thread->hits;
	thread->hits = 0;
}

static void pay_pool(struct sampler *s, struct process *process,
		     int64_t clock_ns, int64_t owed_by_threads)
{
	int64_t owed = clock_ns - process->clock_base_ns - process->paid_ns -
		       owed_by_threads;

	if (!process->pool_hits || owed <= 0)
		return;
	sampler_send(s, &(struct record){
		.kind = RECORD_POOL,
		.subject = process->subject,
		.cpu_ns = owed,
	});
	process->paid_ns += owed;
	process->pool_hits = 0;
}

void accounts_end_thread(struct sampler *s, struct thread *thread)
{
	/* Its hits and its unpaid time both fall to the pool. */
	if (thread->is_sampled)
		thread->process->ended_run_ns +=
			(int64_t)thread->run_ns - thread->base_ns;
	send_to_pool(s, thread);
}

static void close_process(struct sampler *s, struct process *process,
			  int64_t clock_ns)
{
	int64_t owed = 0;

	for (size_t i = 0; i < s->roster.live.n; i++) {
		struct thread *thread = roster_live(&s->roster, i);

		if (thread->process != process || !thread->is_sampled)
			continue;
		if (process->pool_hits || thread->is_new || thread->hits)
			read_run_ns(s, thread);
		if (thread->is_new) {
			send_to_pool(s, thread);
			thread->is_new = false;
			thread->base_ns = (int64_t)thread->run_ns;
			thread->paid_ns = 0;
			continue;
		}
		pay_thread(s, thread);
		owed += owed_by_thread(thread);
	}
	if (clock_ns >= 0)
		pay_pool(s, process, clock_ns, owed);
}

static void pay_brief(struct sampler *s)
{
	sampler_send(s, &(struct record){
		.kind = RECORD_BRIEF,
		.cpu_ns = s->brief_ns,
	});
	s->brief_paid_ns += s->brief_ns;
	s->brief_hits = 0;
	s->brief_ns = 0;
}

void accounts_close_window(struct sampler *s)
{
	if (s->is_paused) /* the last hits are paid when it is over */
		return;
	for (size_t i = 0; i < s->roster.processes.n; i++) {
		struct process *process = roster_process(&s->roster, i);

		close_process(s, process, exact_clock(s, process));
		process->is_brief = false;
	}
	if (s->brief_hits)
		pay_brief(s);
}

/* What ran during the pause is nobody's debt. */
static void skip_pause(struct sampler *s, struct process *process)
{
	int64_t now;

	for (size_t i = 0; i < s->roster.live.n; i++) {
		struct thread *thread = roster_live(&s->roster, i);
		uint64_t paused_ns = thread->run_ns;

		if (thread->process != process)
			continue;
		read_run_ns(s, thread);
		thread->base_ns += (int64_t)(thread->run_ns - paused_ns);
	}
	now = exact_clock(s, process);
	if (now > process->paused_clock_ns && process->paused_clock_ns >= 0)
		process->clock_base_ns += now - process->paused_clock_ns;
}

static void send_brief(struct sampler *s, struct process *process)
{
	if (!process->pool_hits)
		return;
	s->brief_hits += process->pool_hits;
	process->pool_hits = 0;
	sampler_send(s, &(struct record){
		.kind = RECORD_TO_BRIEF,
		.subject = process->subject,
	});
}

/* All its threads have ended, so all its hits are in its pool. */
static void end_brief(struct sampler *s, struct process *process,
		      int64_t cpu_ns)
{
	s->stats.exact_cpu_ns += cpu_ns;
	s->brief_ns += cpu_ns;
	send_brief(s, process);
}

void accounts_exec(struct sampler *s, struct thread *caller)
{
	if (!caller->process->is_brief) {
		accounts_close_window(s);
		return;
	}
	send_to_pool(s, caller);
	send_brief(s, caller->process);
}

/*
 * What is left when all is over. If none of those who lived in the end had a
 * hit, as happens in a short last window and on a machine with other work, the
 * last hits that there were stand for them, too; but not for more than such
 * hits have stood for before.
 */
void accounts_end_brief(struct sampler *s, struct process *process)
{
	if (s->brief_hits || s->brief_ns <= s->brief_paid_ns)
		pay_brief(s);
	if (s->brief_ns <= 0)
		return;
	s->stats.unsampled_ns += s->brief_ns;
	births_announce(s, process);
	sampler_send(s, &(struct record){
		.kind = RECORD_UNSAMPLED,
		.subject = process->subject,
		.cpu_ns = s->brief_ns,
	});
	s->brief_ns = 0;
}

void accounts_end_process(struct sampler *s, struct process *process)
{
	int64_t clock_ns, rest;

	if (s->is_paused)
		skip_pause(s, process);
	clock_ns = exact_clock(s, process);
	if (clock_ns < 0) /* reaped by somebody else: keep what was paid */
		clock_ns = process->clock_base_ns + process->paid_ns;
	if (process->is_brief && !process->paid_ns) {
		end_brief(s, process, clock_ns - process->clock_base_ns);
		return;
	}
	close_process(s, process, clock_ns);
	rest = clock_ns - process->clock_base_ns - process->paid_ns;
	s->stats.exact_cpu_ns += clock_ns - process->clock_base_ns;
	if (rest <= 0)
		return;
	s->stats.unsampled_ns += rest;
	births_announce(s, process);
	sampler_send(s, &(struct record){
		.kind = RECORD_UNSAMPLED,
		.subject = process->subject,
		.pid = process->pid,
		.cpu_ns = rest,
	});
}

void accounts_finish(struct sampler *s)
{
	for (size_t i = 0; i < s->roster.live.n; i++)
		read_run_ns(s, roster_live(&s->roster, i));
	accounts_close_window(s);
}

void accounts_pause(struct sampler *s)
{
	accounts_finish(s);
	for (size_t i = 0; i < s->roster.processes.n; i++) {
		struct process *process = roster_process(&s->roster, i);

		process->paused_clock_ns = exact_clock(s, process);
	}
}

void accounts_resume(struct sampler *s)
{
	for (size_t i = 0; i < s->roster.processes.n; i++)
		skip_pause(s, roster_process(&s->roster, i));
}
