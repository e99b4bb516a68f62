/* SPDX-License-Identifier: MIT */
/*
 * presence.c - was a stopped thread on a core when its stop was asked for?
 *
 * A sample is of that moment. The thread was made to stop where it came to
 * next, so this is told from what the kernel counted of it: its run time, its
 * wait for a core, and its time slices, before the request and at the stop.
 */
#include "sampler/presence.h"

#include "arch/restart.h"
#include "sampler/sampler.h"

/* Back from a call, and no more than this since: it was woken, and no more. */
#define WOKEN_RUN_NS (50 * NS_PER_US)
#define LONG_RUN_NS (200 * NS_PER_US) /* from our request to the stop */
#define WAKE_UP_NS (30 * NS_PER_US) /* from a displaced thread to us */
#define CALL_WAKE_UP_NS (10 * NS_PER_US) /* in a call: was_displaced() */
#define WAKING_NS (12 * NS_PER_US) /* the end of a timer's interrupt */
#define LAG_NOISE_NS 1500
#define LAG_STEP_NS 200
#define CLOCK_SLACK_NS (3 * NS_PER_US)

/*
 * It ran on and on without a way back to the program: a long call, or a
 * fault, that others interrupted. Which part of it we met is not known, as the
 * counts of who runs lag, only how much of it ran, of the time until its stop
 * (it may have slept) and of what was booked since our look. Where cores are
 * wanted such calls would hardly be seen at all.
 */
static bool draw_in_call(struct sampler *s, int64_t run, int64_t wait,
			 int64_t asked_ns)
{
	int64_t all = run + wait > asked_ns ? run + wait : asked_ns;

	return run >= LONG_RUN_NS && wait >= 0 &&
	       (int64_t)(sampler_random(s) % (uint64_t)all) < run;
}

/*
 * It waited since our wake-up: or since its own, from the same interrupt; or
 * its time slice ended just before. That happens anywhere in the program, but
 * of calls it is always the same, which read a CPU clock: so in a call our
 * wake-up is meant only where it mostly is.
 */
static bool was_displaced(const struct thread *thread, int64_t since_ns,
			  long nr)
{
	int64_t early_ns = nr < 0 ? WAKE_UP_NS : CALL_WAKE_UP_NS;

	return since_ns >= thread->woke_ns - early_ns &&
	       since_ns <= thread->woke_ns + CLOCK_SLACK_NS;
}

/* Back from a call that may sleep, and no more: woken, or displaced in it. */
static bool is_just_woken(long nr, uint64_t run_ns)
{
	return nr >= 0 && call_may_sleep(nr) && run_ns < WOKEN_RUN_NS;
}

/*
 * Woken on our core just before our interrupt could come? A timer's interrupt
 * takes microseconds to set the clock for the next one, ours, and the kernel
 * charges a thread that it wakes on an idle core from there on (it does not
 * read its clock again before the switch, wakeup_preempt()). @since_ns: from
 * when on it waited.
 */
static bool was_waking(struct sampler *s, const struct thread *thread,
		       int64_t since_ns)
{
	struct follow *follow = &s->follow;
	int64_t later_ns = since_ns - follow->tick_ns - follow->lag_ns;

	if (thread->woke_ns < follow->tick_ns) /* of an earlier tick */
		return false;
	if (thread->is_predecessor) {
		follow->lag_ns += later_ns > 0 ? LAG_STEP_NS : -LAG_STEP_NS;
		return false;
	}
	return !s->predecessor && later_ns < -LAG_NOISE_NS &&
	       later_ns > -LAG_NOISE_NS - WAKING_NS;
}

/*
 * Was the thread on a core when its stop was asked for? The counts at the
 * stop are exact, since it is off its core now. Unchanged slices: it was
 * running all the while. One more: it got its core before we asked, or it
 * has to wait since we displaced it, by waking up or later. A wait that began
 * in between is the end of a time slice, and where that is a thread must not
 * be seen more often than elsewhere: a call that reads a CPU clock ends
 * slices, and got 3.5 % of the samples where it uses 0.1 %. Nor is a thread
 * kept that was woken later. On its own core (follow.c) it is known who was
 * displaced; of others only those count that ran before we woke, since our
 * wake-up and theirs may come from one timer interrupt.
 */
static bool was_on_core(struct sampler *s, struct thread *thread,
			const struct schedstat *now, int64_t stop_ns,
			long nr)
{
	int64_t run = (int64_t)(now->run_ns - thread->asked.run_ns);
	int64_t wait = (int64_t)(now->wait_ns - thread->asked.wait_ns);
	int64_t displaced_ns = stop_ns - run - wait;
	int64_t asked_ns = stop_ns - thread->interrupted_ns;
	/* Of who is not followed we cannot know that it was displaced. */
	bool is_told_apart = s->predecessor || thread->is_doubtful;

	if (thread->is_followed && !thread->is_doubtful)
		thread->is_predecessor =
			s->follow.cpu >= 0 &&
			now->slices == thread->asked.slices + 1 &&
			was_displaced(thread, displaced_ns, nr);
	if (s->follow.cpu >= 0 && now->slices == thread->asked.slices + 1 &&
	    was_waking(s, thread, displaced_ns))
		return true;
	if (s->follow.cpu >= 0 && !thread->is_predecessor &&
	    (thread->is_calling || (is_told_apart &&
				    stop_ns - run > thread->woke_ns)))
		return false;
	if (now->slices == thread->asked.slices)
		return true;
	if (now->slices != thread->asked.slices + 1)
		return draw_in_call(s, run, wait, asked_ns);
	if (thread->is_predecessor)
		return true;
	if (stop_ns - run < thread->interrupted_ns)
		return true;
	if (is_just_woken(nr, (uint64_t)run))
		return false;
	if (displaced_ns >= thread->interrupted_ns - CLOCK_SLACK_NS)
		return true;
	if (was_displaced(thread, displaced_ns, nr))
		return true;
	return draw_in_call(s, run, wait, asked_ns);
}

static void count_call(struct call_share *share, bool in_call)
{
	share->kept += CALL_SHARE_ONE;
	if (in_call)
		share->calls += CALL_SHARE_ONE;
}

/* What follow.c wants to know of a stop. */
static void count_calls(struct thread *thread, const struct schedstat *now,
			long nr, bool is_kept)
{
	struct call_shares *own = &thread->call_shares;
	struct call_shares *all = &thread->process->call_shares;
	bool in_call = nr >= 0, is_doubtful;

	is_doubtful = in_call && now->slices == thread->asked.slices + 1 &&
		      is_just_woken(nr, now->run_ns - thread->asked.run_ns);
	if (is_kept || is_doubtful) {
		count_call(&own->doubtful, is_doubtful);
		count_call(&all->doubtful, is_doubtful);
	}
	if (is_kept && thread->is_predecessor) {
		count_call(&own->exact, in_call);
		count_call(&all->exact, in_call);
	} else if (is_kept && now->slices == thread->asked.slices) {
		count_call(&own->remote, in_call);
		count_call(&all->remote, in_call);
	}
}

bool presence_judge(struct sampler *s, struct thread *thread,
		    const struct schedstat *now, int64_t stop_ns, long nr)
{
	bool is_kept = was_on_core(s, thread, now, stop_ns, nr);

	count_calls(thread, now, nr, is_kept);
	return is_kept;
}

void presence_note_blocked(struct thread *thread)
{
	count_call(&thread->call_shares.exact, true);
	count_call(&thread->process->call_shares.exact, true);
}
