/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the sampler thread: ticks, and events between them.
 *
 * Deadlines are stratified: the k-th lies anywhere in [k - 1/2, k + 1/2)
 * periods, so that no rhythm of the target can hide between them. Between
 * deadlines the thread sleeps where a tracee's stop wakes it.
 */
#include "sampler/loop.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sampler/priority.h"
#include "sampler/storm.h"

#define WINDOW_NS NS_PER_S
#define TELL_NS (100 * NS_PER_MS)
#define DRAIN_NS (100 * NS_PER_MS) /* without ticks: the guard wants a beat */
#define FEW_THREADS 64
#define ASK_NS 300 /* to ask one thread */
#define MANY_THREADS 256
/* Every thread is asked this often; so it takes 0.5 % of a core. */
#define ROUND_NS_PER_THREAD (40 * NS_PER_US)
#define ROUND_MAX_NS (100 * NS_PER_MS)

uint64_t sampler_random(struct sampler *s) /* xorshift64 */
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static void schedule_next(struct sampler *s, int64_t now)
{
	int64_t behind;

	s->tick++;
	s->base_ns += s->period_ns;
	behind = (now - s->base_ns) / s->period_ns;
	if (behind > 0) {
		s->stats.missed_ticks += (uint64_t)behind;
		s->tick += (uint64_t)behind;
		s->base_ns += behind * s->period_ns;
	}
	s->next_ns = s->base_ns - s->period_ns / 2 +
		     (int64_t)(sampler_random(s) %
			       (uint64_t)s->period_ns);
}

/* Held longer than allowed in this window: lower the rate for the next. */
static void limit_pause(struct sampler *s, int64_t window_ns)
{
	double threads = (double)(s->stats.live_threads
					  ? s->stats.live_threads : 1);
	double cores = (double)s->n_cpus;
	double share = (double)s->window_held_ns / (double)window_ns /
		       (threads < cores ? threads : cores);

	s->window_held_ns = 0;
	if (s->options.max_pause <= 0)
		return;
	if (share > s->options.max_pause)
		s->period_ns += s->period_ns / 2;
	else if (share < s->options.max_pause / 2)
		s->period_ns -= s->period_ns / 4;
	if (s->period_ns < s->options.period_ns)
		s->period_ns = s->options.period_ns;
	if (s->period_ns > NS_PER_S)
		s->period_ns = NS_PER_S;
	s->stats.period_ns = s->period_ns;
}

static void close_window(struct sampler *s, int64_t now)
{
	int64_t window_ns = now - s->window_end_ns + WINDOW_NS;

	accounts_close_window(s);
	limit_pause(s, window_ns);
	follow_choose(s, window_ns);
	storm_close_window(s);
	if (s->is_paused) /* no ticks; but a process may end unseen */
		storm_scan(s);
	s->window_end_ns = now + WINDOW_NS;
	s->n_births = 0;
}

static void tell(struct sampler *s, int64_t now)
{
	s->told_ns = now;
	told_stats(s->told, &s->stats);
}

static void handle_requests(struct sampler *s)
{
	unsigned requests = atomic_exchange(&s->requests, 0);

	if (s->resume_ns && clock_now_ns() >= s->resume_ns) {
		requests |= COLLECT_RESUME;
		s->resume_ns = 0;
	}
	if (requests & COLLECT_STOP)
		s->end_ns = 0;
	if (requests & COLLECT_SUSPEND)
		s->is_suspended = true;
	if (requests & COLLECT_FLUSH) {
		if (!s->is_paused) { /* else all is paid */
			accounts_finish(s);
			sampler_pay_all_wall(s);
		}
		tell(s, clock_now_ns());
		sampler_send(s, &(struct record){ .kind = RECORD_FLUSH });
		s->is_urgent = true;
	}
	if (requests & COLLECT_PAUSE && !s->is_paused) {
		accounts_pause(s);
		s->is_paused = true;
		sampler_pay_all_wall(s);
	}
	if (requests & COLLECT_RESUME && s->is_paused) {
		accounts_resume(s);
		s->is_paused = false;
		s->base_ns = clock_now_ns();
		sampler_skip_wall(s);
	}
}

static bool is_over(const struct sampler *s, int64_t now)
{
	return !s->roster.processes.n || now >= s->end_ns ||
	       s->is_suspended ||
	       (s->options.max_samples &&
		s->stats.samples + s->stats.wall_samples >=
			s->options.max_samples);
}

/*
 * Sleep. True if there was an event; @out_news tells of the first one. Every
 * event raises SIGCHLD, which stays pending until it is taken here, so none is
 * missed in between.
 */
static bool wait_until(struct sampler *s, int64_t wake_ns, siginfo_t *out_news)
{
	struct timespec timeout;
	int64_t now = clock_now_ns();
	sigset_t set;

	if (s->outstanding.n && wake_ns > now + STOP_BOUND_NS)
		wake_ns = now + STOP_BOUND_NS;
	atomic_store_explicit(&s->guard->beat_ns, now, memory_order_relaxed);
	if (wake_ns > now + GUARD_BEAT_MS * NS_PER_MS)
		wake_ns = now + GUARD_BEAT_MS * NS_PER_MS;
	timeout = timespec_of_ns(wake_ns > now ? wake_ns - now : 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, LOOP_WAKE_SIGNAL);
	return sigtimedwait(&set, out_news, &timeout) == SIGCHLD;
}

/*
 * Was it a stop that we asked for, and have collected already? Those of
 * PTRACE_INTERRUPT come as CLD_STOPPED, all others of tracees as CLD_TRAPPED
 * (do_jobctl_trap() and ptrace_signal() in the kernel).
 */
static bool is_old_news(const struct sampler *s, const siginfo_t *news)
{
	const struct thread *thread = roster_find(&s->roster, news->si_pid);

	if (news->si_code != CLD_STOPPED)
		return false;
	return thread && thread->state == THREAD_RUNNING &&
	       clock_now_ns() - thread->interrupted_ns < s->period_ns;
}

/*
 * Only one SIGCHLD can be pending: of what comes between a stop of ours and
 * here it does not tell. So news are taken at once; and to be sure all tracees
 * are asked where they are few (0.2 us each), else those that were looked at at
 * this tick, and have run within a second (settle_doubt()). All others, and
 * these where to ask takes over 2 % of a core, wait for the next full round.
 */
void sampler_take_news(struct sampler *s)
{
	struct timespec at_once = { 0, 0 };
	siginfo_t news;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigtimedwait(&set, &news, &at_once) != SIGCHLD)
		return;
	sampler_collect_outstanding(s);
	if (s->roster.live.n <= FEW_THREADS || !is_old_news(s, &news))
		s->has_news = true;
	else
		s->is_in_doubt = true;
}

static bool is_round_due(const struct sampler *s, int64_t now)
{
	int64_t round_ns = (int64_t)s->roster.live.n * ROUND_NS_PER_THREAD;

	return now - s->drained_ns >=
	       (round_ns < ROUND_MAX_NS ? round_ns : ROUND_MAX_NS);
}

/*
 * A wait for any tracee walks them all, 0.2 ms for a thousand. When the news
 * is a stop of our own that was collected already, only the threads that run
 * are asked.
 */
static void take_events(struct sampler *s, const siginfo_t *news)
{
	int64_t now = clock_now_ns();
	bool is_round = is_round_due(s, now) || s->has_news;

	/* A round takes 2 ms for 10,000 threads: not when a tick is due. */
	if (!news && (!is_round || (now >= s->next_ns && !s->is_paused)))
		return;
	if (!is_round && s->roster.live.n > MANY_THREADS) {
		sampler_collect_outstanding(s);
		if (is_old_news(s, news)) {
			sampler_ask_active(s);
			return;
		}
	}
	s->drained_ns = now;
	s->has_news = false;
	if (news)
		sampler_collect_one(s, news->si_pid);
	/* On many cores there may be no end of births: ticks go on. */
	sampler_drain_until(s, s->is_paused ? now + DRAIN_NS
					    : s->next_ns + s->period_ns);
}

/* The best time for a round is after a tick: the next one is far. */
static void settle_doubt(struct sampler *s, int64_t now)
{
	if (is_round_due(s, now))
		s->has_news = true;
	else if (s->is_in_doubt && !s->has_news && s->tick > s->alarm_tick &&
		 (int64_t)s->n_looks * ASK_NS < s->period_ns / 50)
		sampler_ask_recent(s);
	s->is_in_doubt = false;
}

static void run_loop(struct sampler *s)
{
	for (;;) {
		int64_t now = clock_now_ns();
		int64_t wake_ns = s->window_end_ns;
		siginfo_t news;

		if (atomic_load_explicit(&s->requests, memory_order_relaxed) ||
		    s->resume_ns)
			handle_requests(s);
		if (is_over(s, now))
			return;
		if (!s->is_paused && now >= s->next_ns) {
			sampler_tick(s, s->next_ns);
			sampler_collect_outstanding(s);
			settle_doubt(s, now);
			schedule_next(s, clock_now_ns());
		} else if (now >= s->window_end_ns) {
			close_window(s, now);
		} else if (now - s->told_ns >= TELL_NS) {
			tell(s, now);
		}
		sampler_settle(s);
		if (s->follow.is_due && !s->outstanding.n)
			follow_move(s);
		if (!s->is_paused && s->next_ns < wake_ns)
			wake_ns = s->next_ns;
		if (s->end_ns < wake_ns)
			wake_ns = s->end_ns;
		if (s->resume_ns && s->resume_ns < wake_ns)
			wake_ns = s->resume_ns;
		if (s->has_news)
			wake_ns = now;
		take_events(s, wait_until(s, wake_ns, &news) ? &news : NULL);
	}
}

/*
 * Stops that were asked for must be collected: their calls may need the
 * repair of restart.h. Then the end of this thread lets all tracees go
 * (ptrace(2): "If the tracer dies, all tracees are detached and restarted").
 */
static void finish(struct sampler *s)
{
	int64_t bound_ns = clock_now_ns() + STOP_BOUND_NS;
	siginfo_t news;

	while (s->outstanding.n && clock_now_ns() < bound_ns) {
		sampler_drain(s);
		wait_until(s, clock_now_ns() + NS_PER_MS, &news);
	}
	sampler_drain(s);
	s->stats.elapsed_ns += clock_now_ns() - s->start_ns;
	if (s->is_paused) {
		accounts_resume(s);
		s->is_paused = false;
	}
	accounts_finish(s);
	sampler_end_all(s);
	follow_clear(&s->follow);
	atomic_store(&s->guard->beat_ns, 0);
	if (!s->is_suspended)
		sampler_send(s, &(struct record){ .kind = RECORD_END });
	ring_wake(&s->ring);
}

void loop_init(struct sampler *s, const struct sampler_options *options,
	       struct guard_page *guard)
{
	int64_t now = clock_now_ns();

	s->options = *options;
	s->guard = guard;
	roster_init(&s->roster);
	s->outstanding = VEC_OF(struct thread *);
	s->held = VEC_OF(struct wait_event);
	s->rescue.events = VEC_OF(struct wait_event);
	if (options->libunwind_ptrace)
		s->upt = upt_new();
	s->n_cpus = 1;
	s->n_cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	follow_init(&s->follow);
	if (!sched_getaffinity(0, sizeof(s->follow.allowed),
			       &s->follow.allowed))
		s->n_cpus = CPU_COUNT(&s->follow.allowed);
	s->period_ns = s->stats.period_ns = options->period_ns;
	s->random = (uint64_t)now | 1;
	s->end_ns = INT64_MAX;
	if (options->duration_ns)
		s->end_ns = now + options->delay_ns + options->duration_ns;
	loop_enter(s);
}

void loop_enter(struct sampler *s)
{
	int64_t now = clock_now_ns();

	s->is_suspended = false;
	follow_clear(&s->follow);
	atomic_store(&s->guard->beat_ns, now);
	s->start_ns = s->base_ns = now;
	s->window_end_ns = now + WINDOW_NS;
	prctl(PR_SET_NAME, "psample-sample");
	prctl(PR_SET_TIMERSLACK, 1ul);
	schedule_next(s, now);
}

void loop_run(struct sampler *s)
{
	priority_raise(s); /* not for the long work of attaching */
	if (s->options.delay_ns && !s->stats.elapsed_ns) { /* born paused */
		accounts_pause(s);
		s->is_paused = true;
		s->resume_ns = s->start_ns + s->options.delay_ns;
	}
	run_loop(s);
	finish(s);
}
