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
 * predecessor.c knows that it did. Needs SCHED_FIFO. Not for longer bursts
 * without such calls: to displace costs more than to stop from elsewhere.
 *
 * Which threads find themselves in calls too often is not guessed but measured:
 * their samples from another core against those where we displaced them. Of
 * several such threads only the displaced one is sampled at a tick, and stands
 * for all of them; the others' errors would be as large as without us there.
 */
#include "sampler/follow.h"

#include <unistd.h>

#include "sampler/predecessor.h"
#include "sampler/sampler.h"

/*
 * Who lives for less than a window is not among the hot, and would never be
 * taken for who had our core: no hit in a second of children of 1 ms.
 */
#define BIRTHS_MAX 10
#define BURST_NS (150 * NS_PER_US)
#define KEPT_MIN (48 * CALL_SHARE_ONE) /* samples that tell something */
#define CALLS_PART 50 /* a 50th of them too many in calls is an error */
#define HITS_MIN 12 /* samples there should be, to judge by those there are: */
#define HITS_PART 4 /* a part of them, at least */
#define UNFOLLOWED_WINDOWS 16
#define AGE_PART 32 /* of what is known of calls is forgotten in a window */
#define HOT_SHARE 20 /* threads with a 20th of a core are worth it */

static void add_hot(struct follow *follow, const struct follow_thread *hot)
{
	size_t least = 0;

	if (follow->n < FOLLOW_MAX) {
		follow->hot[follow->n++] = *hot;
		return;
	}
	for (size_t i = 1; i < FOLLOW_MAX; i++)
		if (follow->hot[i].run_ns < follow->hot[least].run_ns)
			least = i;
	if (follow->hot[least].run_ns < hot->run_ns)
		follow->hot[least] = *hot;
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

enum share_kind {
	SHARE_REMOTE,
	SHARE_DOUBTFUL,
};

/* Of many threads each has few samples: then all of them tell. */
static const struct call_shares *known(const struct thread *thread,
				       enum share_kind kind)
{
	const struct call_shares *own = &thread->call_shares;
	uint32_t kept = kind == SHARE_REMOTE ? own->remote.kept
					     : own->doubtful.kept;

	return kept < KEPT_MIN ? &thread->process->call_shares : own;
}

static bool has_calls(const struct call_share *share)
{
	return (uint64_t)share->calls * CALLS_PART >= share->kept;
}

/*
 * Are more samples in calls, stopped from another core, than there are of
 * those displaced on ours? The request takes microseconds to arrive, and the
 * next return from a call takes it. Calls that last are found as they are:
 * where both agree, another core is cheaper.
 */
static bool is_calling(const struct thread *thread)
{
	const struct call_shares *shares = known(thread, SHARE_REMOTE);
	uint64_t remote = shares->remote.kept, exact = shares->exact.kept;

	if (thread->n_unfollowed || remote < KEPT_MIN ||
	    !has_calls(&shares->remote))
		return false;
	if (exact < KEPT_MIN)
		return true;
	return shares->remote.calls * exact * CALLS_PART >
	       shares->exact.calls * remote * CALLS_PART + remote * exact;
}

/* On the only core we are where it is: is it to be known who was displaced? */
static bool is_doubtful(const struct thread *thread)
{
	const struct call_share *share =
		&known(thread, SHARE_DOUBTFUL)->doubtful;

	return share->kept >= KEPT_MIN && has_calls(share);
}

/*
 * It is not there where it is waited for: whatever moves it from core to
 * core, another core must do, for a while.
 */
static void judge_misses(struct thread *thread, int64_t run_ns)
{
	uint32_t expected;

	if (thread->n_unfollowed)
		thread->n_unfollowed--;
	if (!thread->is_calling) {
		thread->calls_hits = 0;
		thread->calls_run_ns = 0;
		return;
	}
	thread->calls_run_ns += run_ns;
	expected = (uint32_t)(thread->calls_run_ns / thread->calls_period_ns);
	if (expected < HITS_MIN)
		return;
	if (thread->calls_hits * HITS_PART < expected)
		thread->n_unfollowed = UNFOLLOWED_WINDOWS;
	thread->calls_hits = 0;
	thread->calls_run_ns = 0;
}

/* What is not renewed is forgotten, and looked at again. */
static void age(struct call_share *share)
{
	share->kept -= share->kept / AGE_PART;
	share->calls -= share->calls / AGE_PART;
}

static void age_shares(struct call_shares *shares)
{
	age(&shares->remote);
	age(&shares->exact);
	age(&shares->doubtful);
}

void follow_forget(struct thread *thread)
{
	thread->call_shares = (struct call_shares){ 0 };
	thread->process->call_shares = (struct call_shares){ 0 };
	thread->is_followed = false;
	thread->is_calling = thread->is_doubtful = false;
}

/* At the end of a window, in which it ran for @run_ns. */
static void judge(struct sampler *s, const struct thread *thread,
		  int64_t run_ns)
{
	bool is_bursts = s->n_cpus > 1 && is_bursty(thread, run_ns);
	bool is_doubt = is_bursts || is_doubtful(thread);
	bool is_call = s->n_cpus > 1 && !is_bursts && is_calling(thread);

	is_doubt = is_doubt && predecessor_can_be_known(s);
	if (is_bursts || is_call || (s->n_cpus == 1 && is_doubt))
		add_hot(&s->follow, &(struct follow_thread){
			.slot = thread->slot,
			.run_ns = run_ns,
			.sched_fd = -1,
			.is_calling = is_call,
			.is_doubtful = is_doubt,
		});
}

/*
 * A core is waited on as often as its threads run: one thread, or, where there
 * are more of them than cores, an even part of all.
 */
static int64_t calls_period(const struct sampler *s, int64_t run_ns,
			    int64_t all_ns)
{
	int64_t core_ns = all_ns / s->n_cpus;

	if (core_ns < run_ns)
		core_ns = run_ns;
	return (int64_t)((double)s->period_ns * (double)all_ns /
			 (double)(core_ns ? core_ns : 1));
}

static void follow_hot(struct sampler *s)
{
	struct follow *follow = &s->follow;
	int64_t all_ns = 0;

	follow->n_doubtful = 0;
	for (size_t i = 0; i < follow->n; i++)
		all_ns += follow->hot[i].run_ns;
	for (size_t i = 0; i < follow->n; i++) {
		const struct follow_thread *hot = &follow->hot[i];
		struct thread *thread = follow_thread(s, i);

		thread->is_followed = true;
		thread->is_calling = hot->is_calling;
		thread->is_doubtful = hot->is_doubtful;
		thread->calls_period_ns =
			calls_period(s, hot->run_ns, all_ns);
		follow->n_doubtful += hot->is_doubtful;
	}
}

/* priority.c gives SCHED_FIFO away when we have run for too long. */
static bool is_first(const struct sampler *s)
{
	return s->is_fifo && (sched_getscheduler(0) &
			      ~SCHED_RESET_ON_FORK) == SCHED_FIFO;
}

void follow_choose(struct sampler *s, int64_t window_ns)
{
	bool may_follow = s->n_births <= BIRTHS_MAX && is_first(s);

	close_files(&s->follow);
	for (size_t i = 0; i < s->roster.live.n; i++) {
		struct thread *thread = roster_live(&s->roster, i);
		struct thread_window *last = &thread->window;
		int64_t run_ns = (int64_t)(thread->seen.run_ns - last->run_ns);

		if (run_ns > window_ns) /* there was a pause */
			run_ns = window_ns;
		judge_misses(thread, run_ns);
		if (may_follow && thread->is_sampled &&
		    !thread->process->wants_scan &&
		    run_ns > window_ns / HOT_SHARE)
			judge(s, thread, run_ns);
		thread->is_followed = false;
		thread->is_calling = thread->is_doubtful = false;
		age_shares(&thread->call_shares);
		*last = (struct thread_window){
			.run_ns = thread->seen.run_ns,
			.slices = thread->seen.slices,
		};
	}
	for (size_t i = 0; i < s->roster.processes.n; i++)
		age_shares(&roster_process(&s->roster, i)->call_shares);
	follow_hot(s);
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

	follow->is_due = false;
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

bool follow_leaves(const struct sampler *s, const struct thread *thread)
{
	return thread->is_calling && thread->is_doubtful &&
	       s->follow.cpu >= 0 && thread != s->predecessor &&
	       s->options.mode == MODE_CPU;
}

int64_t follow_period(const struct sampler *s, const struct thread *thread)
{
	return thread->is_calling && thread->is_predecessor
		       ? thread->calls_period_ns : s->period_ns;
}
