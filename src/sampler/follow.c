/* SPDX-License-Identifier: MIT */
/*
 * follow.c - wait for the next tick on the core of a thread of short steps.
 *
 * From another core a stop takes effect microseconds after it was asked for.
 * A thread that runs for less than 150 us at a time has often blocked by then
 * (and if we displace the peer that feeds it, a client on the same machine, it
 * surely has); one that makes a system call each few microseconds is in the
 * next call, where it is stopped: nginx seemed to spend nothing outside of
 * calls, where it spends 8 %. Waiting on its own core, the tick's interrupt
 * displaces the thread itself in the middle of what it does, and
 * predecessor.c knows that it did. Needs SCHED_FIFO. Not for longer bursts: a
 * timer of the thread expires along with ours if it is due within its slack
 * (prctl(2), PR_SET_TIMERSLACK), and what follows a sleep is favoured.
 */
#include "sampler/follow.h"

#include <unistd.h>

#include "sampler/sampler.h"

/*
 * Who lives for less than a window is not among the hot, and would never be
 * taken for who had our core: no hit in a second of children of 1 ms.
 */
#define BIRTHS_MAX 10
#define BURST_NS (150 * NS_PER_US)
#define KEPT_MIN 8 /* samples that tell something */
#define HOT_SHARE 20 /* threads with a 20th of a core are worth it */

static void add_hot(struct follow *follow, const struct thread *thread,
		    int64_t run_ns)
{
	size_t least = 0;

	if (follow->n < FOLLOW_MAX) {
		follow->hot[follow->n++] = (struct follow_thread){
			.slot = thread->slot,
			.run_ns = run_ns,
			.sched_fd = -1,
		};
		return;
	}
	for (size_t i = 1; i < FOLLOW_MAX; i++)
		if (follow->hot[i].run_ns < follow->hot[least].run_ns)
			least = i;
	if (follow->hot[least].run_ns < run_ns)
		follow->hot[least] = (struct follow_thread){
			.slot = thread->slot,
			.run_ns = run_ns,
			.sched_fd = -1,
		};
}

static void close_files(struct follow *follow)
{
	for (size_t i = 0; i < follow->n; i++)
		if (follow->hot[i].sched_fd >= 0)
			close(follow->hot[i].sched_fd);
	follow->n = 0;
}

void follow_init(struct follow *follow)
{
	*follow = (struct follow){ .cpu = -1, .own_fd = -1 };
}

void follow_clear(struct follow *follow)
{
	close_files(follow);
	if (follow->own_fd >= 0)
		close(follow->own_fd);
	follow->own_fd = -1;
	follow->cpu = -1; /* a new thread is bound to no core yet */
}

struct thread *follow_thread(const struct sampler *s, size_t i)
{
	return *(struct thread **)vec_at(&s->roster.threads,
					 s->follow.hot[i].slot);
}

/* Each of our stops ends a slice, and is one where others want the core. */
static bool is_bursty(const struct thread *thread, int64_t run_ns)
{
	const struct thread_window *last = &thread->window;
	int64_t bursts = (int64_t)(thread->seen.slices - last->slices) -
			 2 * (int64_t)last->stops;

	return run_ns < bursts * BURST_NS;
}

/*
 * Followed, more of its samples are outside of calls. Not among more threads
 * than cores: those on our core would be seen as they are, the others in
 * their next call, and the shares of 8 threads in read(2) were 18 points off.
 */
static bool is_calling(const struct sampler *s, const struct thread *thread)
{
	const struct thread_window *last = &thread->window;
	uint32_t parts = thread->is_followed ? 4 : 2;

	return s->n_runnable <= (size_t)s->n_cpus && last->kept >= KEPT_MIN &&
	       last->calls > last->kept / parts;
}

void follow_choose(struct sampler *s, int64_t window_ns)
{
	struct follow *follow = &s->follow;

	close_files(follow);
	for (size_t i = 0; i < s->roster.live.n; i++) {
		struct thread *thread = roster_live(&s->roster, i);
		struct thread_window *last = &thread->window;
		int64_t run_ns = (int64_t)(thread->seen.run_ns - last->run_ns);

		thread->is_followed =
			s->is_fifo && s->n_cpus > 1 && thread->is_sampled &&
			!thread->process->wants_scan &&
			s->n_births <= BIRTHS_MAX &&
			run_ns > window_ns / HOT_SHARE &&
			(is_bursty(thread, run_ns) || is_calling(s, thread));
		if (thread->is_followed)
			add_hot(follow, thread, run_ns);
		*last = (struct thread_window){
			.run_ns = thread->seen.run_ns,
			.slices = thread->seen.slices,
		};
	}
}

/* One of the hot threads, each as often as it uses CPU time. */
static struct thread *pick(struct sampler *s)
{
	int64_t sum_ns = 0, at;
	size_t i = 0;

	for (size_t k = 0; k < s->follow.n; k++)
		sum_ns += s->follow.hot[k].run_ns;
	at = (int64_t)(sampler_random(s) % (uint64_t)sum_ns);
	while (i + 1 < s->follow.n && at >= s->follow.hot[i].run_ns)
		at -= s->follow.hot[i++].run_ns;
	return follow_thread(s, i);
}

void follow_move(struct sampler *s)
{
	struct follow *follow = &s->follow;
	struct thread *thread = follow->n ? pick(s) : NULL;
	int cpu = -1;
	cpu_set_t one;

	if (thread && thread->process)
		cpu = thread_processor(&s->roster, thread);
	if (cpu == follow->cpu)
		return;
	if (cpu < 0 || cpu >= CPU_SETSIZE ||
	    !CPU_ISSET(cpu, &follow->allowed)) {
		if (follow->cpu >= 0)
			sched_setaffinity(0, sizeof(follow->allowed),
					  &follow->allowed);
		follow->cpu = -1;
		return;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		follow->cpu = cpu;
}
