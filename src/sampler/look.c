/* SPDX-License-Identifier: MIT */
/*
 * look.c - one tick: who is runnable, who must be stopped, who is blocked.
 *
 * A look is a pread of schedstat and, where that moved, of syscall. A thread
 * that has not run for a second is looked at every 2^n ticks, n growing up to
 * a second: unchanged time slices prove that it has not run in between. Those
 * that ran are looked at on every tick, else wake-ups would be missed.
 */
#include <sched.h>

#include "arch/restart.h"
#include "sampler/births.h"
#include "sampler/crowd.h"
#include "sampler/predecessor.h"
#include "sampler/storm.h"

#define COPIES_MAX 8 /* of one blocked stack */
#define BACK_OFF_MAX_NS NS_PER_S

#define LOOKS_PER_TICK_MIN 32
#define ALARM_LOOKS_MAX 2048 /* in a tick; 0.8 us of who has not moved */
#define SPIN_NS (60 * NS_PER_US) /* 20 us were too few: bench/RESULTS.md */
#define STOPS_PER_TICK_MAX 512
/*
 * A process clock takes 0.24 us for each of its threads, and 0.4 us in any
 * case: it is read so seldom that they all together take 0.3 % of a core.
 */
#define CLOCK_NS_PER_THREAD (100 * NS_PER_US)
#define CLOCK_NS_PER_PROCESS (100 * NS_PER_US)
#define TIMER_TICK_NS (4 * NS_PER_MS) /* accounts of who runs lag by this */
#define LAG_MAX_NS (48 * NS_PER_MS)   /* beyond it, false alarms are cheaper */
#define LOOKS_PER_CLOCK 64
#define HELD_CORES_MAX 8
#define CORES_TICKS 4

struct candidates {
	struct thread *list[STOPS_PER_TICK_MAX];
	bool had_moved[STOPS_PER_TICK_MAX];
	int64_t woke_ns;
	size_t n;
	bool any_left_out; /* threads that were not looked at */
};

static void back_off(struct sampler *s, struct thread *thread)
{
	uint64_t most = (uint64_t)(BACK_OFF_MAX_NS / s->period_ns);
	uint64_t ticks;

	roster_look_at(&s->roster, thread, s->tick + 1);
	if (s->tick - thread->moved_tick < most)
		return;
	if (thread->idle_looks < 16)
		thread->idle_looks++;
	ticks = 1ull << thread->idle_looks;
	roster_look_at(&s->roster, thread,
		       s->tick + (ticks < most ? ticks : most));
}

/*
 * It was not looked at for a while, and has run meanwhile: the time that it
 * did not run belongs to the stack it was last seen in. What it ran is
 * nobody's stack, if it is over.
 */
static void pay_left_out(struct sampler *s, struct thread *thread,
			 int64_t busy_ns, bool is_over)
{
	int64_t now = clock_now_ns();
	int64_t idle_ns = now - thread->wall_from_ns - busy_ns;

	if (idle_ns > 0)
		sampler_pay_wall(s, thread, now - busy_ns);
	if (!is_over || busy_ns < s->period_ns / 2)
		return;
	thread->has_stack = false;
	sampler_pay_wall(s, thread, now);
}

static void look_at_blocked(struct sampler *s, struct thread *thread,
			    const struct task_syscall *at)
{
	bool is_hit = thread->is_predecessor = thread == s->predecessor;
	int64_t now = clock_now_ns(), wall_ns = 0;

	if (s->options.mode == MODE_WALL)
		wall_ns = now - thread->wall_from_ns;
	else if (!is_hit)
		return;
	/* If it could not be read, an older stack must not stand for it. */
	thread->has_stack = capture_blocked(s, thread, at, wall_ns, is_hit);
	if (thread->has_stack)
		thread->wall_from_ns = now;
}

/* --wall-stop: one stop gives the frame pointer that the walk needs. */
static bool wants_stop(const struct sampler *s, struct thread *thread,
		       const struct task_syscall *at)
{
	if (!s->options.wall_stop || !restart_is_safe(at->nr) ||
	    !atomic_load_explicit(&thread->answers.needs_fp,
				  memory_order_relaxed))
		return false;
	atomic_store_explicit(&thread->answers.needs_fp, false,
			      memory_order_relaxed);
	return at->sp != thread->stop_sp || at->pc != thread->stop_pc;
}

/*
 * The stack that a blocked thread is charged with has no root: the copy was
 * too short, or the unwinder did not know of code just mapped. It may block
 * for good, so it is copied again, after 2, 4, 8 ... ticks.
 */
static bool wants_copy(const struct sampler *s, const struct thread *thread)
{
	return thread->n_copies < COPIES_MAX &&
	       s->tick - thread->moved_tick >= 1ull << thread->n_copies &&
	       atomic_load_explicit(&thread->answers.ends_early,
				    memory_order_relaxed);
}

/*
 * Look at @thread. True if it must be stopped: it is runnable. @had_moved:
 * it ran, or was given a core, since the last look.
 */
static bool look(struct sampler *s, struct thread *thread, bool *had_moved)
{
	const struct schedstat before = thread->seen;
	bool was_left_out = thread->idle_looks > 0;
	struct task_syscall at;
	enum task_activity activity;
	int64_t run_ns, busy_ns;

	s->stats.looks++;
	if (!thread_read_schedstat(&s->roster, thread, &thread->seen))
		return false;
	*had_moved = thread->seen.slices != before.slices ||
		     thread->seen.run_ns != before.run_ns;
	crowd_note_look(thread, thread->seen.slices - before.slices,
			clock_now_ns());
	if (*had_moved) {
		thread->moved_tick = s->tick;
		thread->idle_looks = 0;
		thread->n_copies = 0;
	} else if (!thread->was_runnable && !(s->options.wall_stop &&
					      thread->answers.needs_fp) &&
		   (s->options.mode == MODE_CPU ||
		    (thread->has_stack && !wants_copy(s, thread)))) {
		sampler_pay_wall(s, thread, clock_now_ns());
		back_off(s, thread);
		return false;
	}
	/* To block takes run time: it runs in one slice, or waits for one. */
	if (!*had_moved && thread->was_runnable && !s->roster.is_coarse) {
		roster_look_at(&s->roster, thread, s->tick + 1);
		return true;
	}
	run_ns = (int64_t)(thread->seen.run_ns - before.run_ns);
	thread->run_ns = thread->seen.run_ns;
	thread->process->looked_ns += run_ns;
	busy_ns = run_ns + (int64_t)(thread->seen.wait_ns - before.wait_ns);
	activity = thread_read_syscall(&s->roster, thread, &at);
	if (was_left_out && s->options.mode == MODE_WALL)
		pay_left_out(s, thread, busy_ns, activity != TASK_RUNNABLE);
	switch (activity) {
	case TASK_RUNNABLE:
		thread->was_runnable = true;
		thread->idle_looks = 0;
		roster_look_at(&s->roster, thread, s->tick + 1);
		return true;
	case TASK_BLOCKED:
		thread->was_runnable = thread->is_steady = false;
		if (s->options.mode == MODE_WALL && wants_stop(s, thread, &at))
			return true;
		look_at_blocked(s, thread, &at);
		back_off(s, thread);
		return false;
	case TASK_GONE:
		return false;
	}
	return false;
}

static void interrupt(struct sampler *s, struct thread *thread,
		      int64_t woke_ns)
{
	thread->woke_ns = woke_ns;
	thread->asked = thread->seen;
	thread->was_kept = false;
	thread->is_late = false;
	thread->is_predecessor = thread == s->predecessor;
	thread->interrupted_ns = clock_now_ns();
	if (tracee_interrupt(thread->tid) != TRACEE_OK)
		return;
	thread->state = THREAD_INTERRUPTED;
	*(struct thread **)vec_push(&s->outstanding) = thread;
}

static uint64_t own_core(void) /* as a mask */
{
	int cpu = sched_getcpu();

	return cpu >= 0 && cpu < IDLE_CPUS_MAX ? 1ull << cpu : 0;
}

/*
 * Keep the cores of the threads stopped at the last tick from going idle for
 * the few microseconds of a stop (idle.h); ours is busy looking for the stop,
 * if it is another. Which cores these are was found out after that stop, when
 * there was time. Skipped when there is no core to spare: then nothing goes
 * idle; and when we wait on the core of who is to be stopped.
 */
static void hold_cores(struct sampler *s)
{
	if (s->n_runnable && s->n_runnable < (size_t)s->n_cpus &&
	    s->follow.cpu < 0)
		idle_hold(&s->guard->idle, s->target_cores);
}

/*
 * A thread that runs stays on its core as a rule, and to read which one it is
 * takes 10 us: it is read again at every fourth tick, and when more or fewer
 * threads run, or one did not stop in time.
 */
static void note_cores(struct sampler *s, const struct candidates *found)
{
	if (found->n >= (size_t)s->n_cpus || s->follow.cpu >= 0)
		return;
	if (found->n == s->n_cores_read_of && !s->outstanding.n &&
	    s->tick - s->cores_tick < CORES_TICKS)
		return;
	s->n_cores_read_of = found->n;
	s->cores_tick = s->tick;
	s->target_cores = 0;
	for (size_t i = 0; i < found->n && i < HELD_CORES_MAX; i++) {
		struct thread *thread = found->list[i];
		int cpu = -1;

		if (thread->process) /* it may have ended meanwhile */
			cpu = thread_processor(&s->roster, thread);
		if (cpu >= 0 && cpu < IDLE_CPUS_MAX)
			s->target_cores |= 1ull << cpu;
	}
}

/*
 * Stop them together, so that their waits overlap. With more runnable
 * threads than cores most of them wait, and a stop would find them where they
 * waited: those that did not move since the last look were on no core, unless
 * they are in one long slice, and then they were kept at the last tick. Of the
 * others crowd.c tells which are worth a stop.
 */
static void interrupt_chosen(struct sampler *s, const struct candidates *found)
{
	bool is_crowded = found->n > (size_t)s->n_cpus;
	int64_t bound_ns = INT64_MIN;

	/*
	 * Within a timer's tick (of most kernels) had_moved tells as much.
	 * And in wall mode who waits has a stack to be seen, too.
	 */
	if (is_crowded && s->period_ns > TIMER_TICK_NS &&
	    s->options.mode == MODE_CPU && !s->roster.is_coarse)
		bound_ns = crowd_bound(found->list, found->n, s->n_cores);

	for (size_t i = 0; i < found->n; i++) {
		struct thread *thread = found->list[i];

		/* An exec may have ended it while others were looked at. */
		if (thread->process && thread->state == THREAD_RUNNING &&
		    thread->interrupted_ns < found->woke_ns &&
		    !follow_leaves(s, thread) &&
		    (!is_crowded || found->had_moved[i] || thread->was_kept) &&
		    (thread == s->predecessor ||
		     !crowd_passes_over(thread, bound_ns, found->woke_ns)))
			interrupt(s, thread, found->woke_ns);
	}
}

/* All its threads are looked at in the next ticks, whatever the budget. */
static void look_at_all(struct sampler *s, const struct process *process)
{
	uint64_t last = s->tick + 2 + process->n_threads / ALARM_LOOKS_MAX;

	for (size_t i = 0; i < s->roster.live.n; i++) {
		struct thread *thread = roster_live(&s->roster, i);

		if (thread->process == process)
			roster_look_at(&s->roster, thread, s->tick + 1);
	}
	if (s->alarm_tick < last)
		s->alarm_tick = last;
}

/*
 * Did threads run that were not looked at? The process clock is made of the
 * same numbers as schedstat, and no less than what the looks saw go by: the
 * least difference there was is what they cannot explain, from before we came
 * or of threads that ended. What comes on top is of somebody who woke, but for
 * the accounts of those that run, which went on since their looks.
 */
static bool has_unseen_run(struct sampler *s, struct process *process,
			   int64_t lag_ns)
{
	int64_t clock_ns = clock_read_ns(process->clock);
	int64_t unseen_ns = clock_ns - process->looked_ns;

	if (clock_ns < 0)
		return false;
	if (!process->has_left_out || unseen_ns < process->left_out_ns)
		process->left_out_ns = unseen_ns;
	process->has_left_out = true;
	if (unseen_ns - process->left_out_ns < s->period_ns / 2 + lag_ns)
		return false;
	process->left_out_ns = unseen_ns;
	return true;
}

static void check_left_out(struct sampler *s, int64_t woke_ns)
{
	int64_t now = clock_now_ns();
	int64_t n_processes = (int64_t)s->roster.processes.n;
	int64_t n_running = s->n_runnable < (size_t)s->n_cpus
				    ? (int64_t)s->n_runnable : s->n_cpus;
	int64_t lag_ns = n_running * (TIMER_TICK_NS + now - woke_ns);

	if (lag_ns > LAG_MAX_NS)
		lag_ns = LAG_MAX_NS;
	for (size_t i = 0; i < s->roster.processes.n; i++) {
		struct process *process = roster_process(&s->roster, i);

		if (now - process->clock_read_ns <
		    process->n_threads * CLOCK_NS_PER_THREAD +
			    n_processes * CLOCK_NS_PER_PROCESS)
			continue;
		process->clock_read_ns = now;
		if (has_unseen_run(s, process, lag_ns))
			look_at_all(s, process);
	}
}

/* Before a thread of it is stopped, and when something new was met. */
static void check_stackmap(struct process *process, pid_t tid)
{
	if (!process->stackmap.is_made || process->stackmap.is_stale)
		stackmap_refresh(&process->stackmap, process->pid, tid);
}

static bool is_due(const struct sampler *s, const struct thread *thread)
{
	const struct live_thread *live =
		vec_at(&s->roster.live, thread->live_index);

	return live->next_tick <= s->tick && thread->is_sampled &&
	       thread->state == THREAD_RUNNING;
}

/*
 * The price of a stop is mostly the wake-up of a core that went idle for its
 * few microseconds: look for the stops at once rather than sleep. Pointless
 * when every core has work of its own, harmful on the thread's own core.
 */
static void spin_for_stops(struct sampler *s)
{
	int64_t end_ns;

	if (!s->outstanding.n || s->outstanding.n >= (size_t)s->n_cpus ||
	    s->follow.cpu >= 0 || own_core() & s->target_cores)
		return;
	end_ns = clock_now_ns() + SPIN_NS;
	do
		sampler_take_news(s);
	while (s->outstanding.n && clock_now_ns() < end_ns);
}

/*
 * Looks that a tick may make: 2 % of a core, at 1.5 us each; half of a period
 * when somebody runs who is not known.
 */
static size_t look_budget(const struct sampler *s)
{
	size_t budget = (size_t)(s->period_ns / 50 / 1500);

	if (s->tick <= s->alarm_tick) {
		budget = (size_t)(s->period_ns / 2 / 1000);
		if (budget > ALARM_LOOKS_MAX)
			budget = ALARM_LOOKS_MAX;
	}
	return budget > LOOKS_PER_TICK_MIN ? budget : LOOKS_PER_TICK_MIN;
}

/* A look takes ten times as long if its file has to be opened. */
static bool is_spent(const struct sampler *s, const struct candidates *found)
{
	return s->tick <= s->alarm_tick &&
	       clock_now_ns() - found->woke_ns > s->period_ns / 4;
}

/*
 * Few were runnable at the last tick: each is stopped as soon as it is found,
 * for the time in between is time to block in.
 */
static void look_at(struct sampler *s, struct thread *thread,
		    struct candidates *found)
{
	bool had_moved = false;

	births_check_bits(s, thread->process);
	if (!thread->is_sampled)
		return;
	check_stackmap(thread->process, thread->tid);
	if (!look(s, thread, &had_moved) || found->n >= STOPS_PER_TICK_MAX)
		return;
	if (s->n_runnable <= (size_t)s->n_cpus && !follow_leaves(s, thread))
		interrupt(s, thread, found->woke_ns);
	found->list[found->n] = thread;
	found->had_moved[found->n++] = had_moved;
}

/*
 * First those that were found runnable at the last tick: with 10,000 threads
 * a look around takes half a millisecond.
 */
static void look_at_active(struct sampler *s, struct candidates *found)
{
	for (size_t i = 0; i < s->n_active; i++) {
		struct thread *thread = *(struct thread **)vec_at(
			&s->roster.threads, s->active[i]);

		if (thread->process && is_due(s, thread))
			look_at(s, thread, found);
	}
}

/*
 * We came late: what others did at the deadline is not known any more. It
 * kept us from our core, in a long system call.
 */
static void look_at_predecessor(struct sampler *s, struct candidates *found)
{
	if (is_due(s, s->predecessor))
		look_at(s, s->predecessor, found);
}

static void note_active(struct sampler *s, const struct candidates *found)
{
	s->n_runnable = found->n;
	s->n_active = found->n < ACTIVE_MAX ? found->n : ACTIVE_MAX;
	for (size_t i = 0; i < s->n_active; i++)
		s->active[i] = found->list[i]->slot;
}

/*
 * Look at all others that are due, each tick beginning where the last one ran
 * out of its budget. Those that had hits in this window are always looked at.
 */
static void look_around(struct sampler *s, struct candidates *found)
{
	size_t budget = look_budget(s), n = s->roster.live.n, looks = 0;
	size_t first = n ? s->look_from % n : 0;

	for (size_t k = 0; k < n; k++) {
		size_t i = first + k < n ? first + k : first + k - n;
		const struct live_thread *live;
		struct thread *thread;

		if (k % LOOKS_PER_CLOCK == LOOKS_PER_CLOCK - 1) {
			if (s->outstanding.n)
				sampler_take_news(s);
			if (looks < budget && is_spent(s, found)) {
				budget = looks;
				s->look_from = i;
			}
		}
		if (i >= s->roster.live.n) /* some have ended */
			continue;
		live = vec_at(&s->roster.live, i);
		found->any_left_out |= live->next_tick > s->tick;
		if (live->next_tick > s->tick)
			continue;
		thread = roster_live(&s->roster, i);
		if (!is_due(s, thread))
			continue;
		if (looks >= budget && !thread->hits) {
			found->any_left_out = true;
			continue;
		}
		if (++looks == budget)
			s->look_from = i + 1;
		look_at(s, thread, found);
		/* Among 100 threads to look around takes longer than a stop. */
		if (s->outstanding.n)
			sampler_take_news(s);
	}
	s->n_looks = looks;
}

void sampler_tick(struct sampler *s, int64_t tick_ns)
{
	int64_t woke_ns = clock_now_ns();
	bool is_late = woke_ns - tick_ns > LATE_NS;
	struct candidates found;

	s->follow.tick_ns = tick_ns;
	s->predecessor = predecessor_find(s);
	if (is_late && !s->predecessor) {
		s->stats.late_ticks++;
		return;
	}
	found.n = 0;
	found.any_left_out = false;
	found.woke_ns = woke_ns;
	s->stats.ticks++;
	hold_cores(s);
	if (is_late) {
		look_at_predecessor(s, &found);
	} else {
		storm_scan(s);
		look_at_active(s, &found);
		look_around(s, &found);
		note_active(s, &found);
	}
	interrupt_chosen(s, &found);
	spin_for_stops(s);
	idle_release(&s->guard->idle);
	note_cores(s, &found);
	if (s->follow.is_due) /* some stop of the last tick is still to come */
		follow_move(s);
	s->follow.is_due = true;
	if (found.any_left_out)
		check_left_out(s, woke_ns);
}
