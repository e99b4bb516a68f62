/* SPDX-License-Identifier: MIT */
/*
 * capture.c - one stopped thread: keep or not, copy, let it run.
 *
 * Between the stop and the resumption there are four system calls: registers,
 * schedstat, stack, CONT (about 5 us), and nothing that could wait.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "arch/restart.h"
#include "sampler/births.h"
#include "sampler/crowd.h"
#include "sampler/labels.h"
#include "sampler/presence.h"
#include "sampler/storm.h"

#define PAGE_BYTES 4096u
#define STACK_FIRST_BYTES (256u << 10) /* copied of a thread not yet known */
#define STACK_MIN_BYTES (16u << 10)
#define STACK_CALM_BYTES (64u << 10) /* at least, when stops are few */
#define CALM_PERIOD_NS (4 * NS_PER_MS)
#define STACK_SLACK_BYTES (4u << 10)
#define STACK_MAX_BYTES (1u << 20)
#define STACK_TOP_MAX (512u << 10) /* copied at once up to a known root */
#define MAPS_BYTES 16384
#define STACK_OTHER_BYTES 16384 /* of a goroutine whose begin is unknown */
/* The kernel makes 0.3 bytes of random a nanosecond, or more: what is asked
 * for again should take half a period at most. */
#define RANDOM_NS_PER_BYTE 8
#define WALKED_MAX 8192 /* frames of a walk by libunwind-ptrace */

void sampler_send(struct sampler *s, const struct record *record)
{
	void *room = ring_reserve(&s->ring, sizeof(*record), 0);

	if (!room) { /* 64 KiB of small records behind a full ring */
		s->stats.dropped++;
		return;
	}
	memcpy(room, record, sizeof(*record));
	ring_commit(&s->ring, sizeof(*record));
}

/* What the thread's last stack tells about the time until now. */
void sampler_pay_wall(struct sampler *s, struct thread *thread, int64_t now)
{
	int64_t wall_ns = now - thread->wall_from_ns;

	if (s->options.mode != MODE_WALL || !thread->is_sampled ||
	    wall_ns <= 0)
		return;
	thread->wall_from_ns = now;
	thread->was_sent = true;
	births_announce(s, thread->process);
	sampler_send(s, &(struct record){
		.kind = thread->has_stack ? RECORD_REPEAT : RECORD_UNSEEN,
		.subject = thread->process->subject,
		.slot = thread->slot,
		.tid = thread->tid,
		.pid = thread->process->pid,
		.wall_ns = wall_ns,
	});
}

void sampler_pay_all_wall(struct sampler *s)
{
	int64_t now = clock_now_ns();

	for (size_t i = 0; i < s->roster.live.n; i++)
		sampler_pay_wall(s, roster_live(&s->roster, i), now);
}

void sampler_skip_wall(struct sampler *s)
{
	int64_t now = clock_now_ns();

	for (size_t i = 0; i < s->roster.live.n; i++)
		roster_live(&s->roster, i)->wall_from_ns = now;
}

/*
 * Bytes to copy from @sp on: up to where the thread's walks end, for that
 * stays while its stack grows tenfold from one tick to the next (a compiler's
 * does). Of a thread that changes stacks what the last walks needed, and some:
 * 48 KiB more take 2 us.
 */
static size_t stack_budget(const struct sampler *s,
			   const struct thread *thread, taddr sp)
{
	taddr top = atomic_load_explicit(&thread->answers.top,
					 memory_order_relaxed);
	size_t least = s->period_ns < CALM_PERIOD_NS ? STACK_MIN_BYTES
						     : STACK_CALM_BYTES;
	size_t need = atomic_load_explicit(&thread->answers.need,
					   memory_order_relaxed);

	if (sp < top && top - sp <= STACK_TOP_MAX)
		return top - sp + STACK_SLACK_BYTES;
	if (!need)
		return STACK_FIRST_BYTES;
	need += need / 2 + STACK_SLACK_BYTES;
	if (need < least)
		return least;
	return need < STACK_MAX_BYTES ? need : STACK_MAX_BYTES;
}

static struct stack_record *reserve_stack(struct sampler *s,
					  struct thread *thread,
					  size_t n_bytes)
{
	size_t n_label_bytes = s->options.labels_at ? LABELS_TEXT_BYTES : 0;
	struct stack_record *stack;

	births_announce(s, thread->process);
	thread->was_sent = true;
	stack = ring_reserve(&s->ring,
			     sizeof(*stack) + n_bytes + n_label_bytes,
			     RING_SPARE_BYTES);
	if (!stack)
		s->stats.dropped++;
	return stack;
}

static void fill_record(const struct sampler *s, struct stack_record *stack,
			struct thread *thread, int64_t wall_ns, bool is_hit)
{
	stack->record = (struct record){
		.kind = RECORD_STACK,
		.subject = thread->process->subject,
		.slot = thread->slot,
		.pid = thread->process->pid,
		.tid = thread->tid,
		.wall_ns = wall_ns,
		.samples = 1,
		.phase = (uint32_t)(s->options.n_phases > 1
					? s->tick % s->options.n_phases : 0),
		.is_hit = is_hit,
	};
	stack->answers = &thread->answers;
	stack->n_other_bytes = stack->n_label_bytes = 0;
}

/*
 * May the memory at @sp be read now? What was mapped after the table was made
 * is looked up at once if that is cheap, else before the next tick.
 */
static enum stack_verdict judge_stack(struct thread *thread, taddr sp)
{
	struct process *process = thread->process;
	struct stackmap *map = &process->stackmap;
	enum stack_verdict verdict;

	if (sp >= thread->stack_lo && sp < thread->stack_hi)
		return STACK_GOOD;
	verdict = stackmap_check(map, sp, &thread->stack_lo,
				 &thread->stack_hi);
	if (verdict == STACK_UNKNOWN &&
	    stackmap_refresh_in_stop(map, process->pid, thread->tid))
		verdict = stackmap_check(map, sp, &thread->stack_lo,
					 &thread->stack_hi);
	if (verdict != STACK_GOOD)
		thread->stack_lo = thread->stack_hi = 0;
	if (verdict == STACK_UNKNOWN)
		map->is_stale = true;
	return verdict;
}

/*
 * Copy the stack from the red zone below @stack->regs' sp upwards. A short
 * copy is normal: the mapping ended. No byte at all is a thread with a
 * garbage sp, or a stack that may not be read: its pc is still worth a frame.
 */
static enum stack_verdict copy_stack(struct sampler *s, struct thread *thread,
				     struct stack_record *stack, size_t budget)
{
	taddr sp = stack->regs.r[CPU_SP], page = sp - sp % PAGE_BYTES;
	enum stack_verdict verdict = judge_stack(thread, sp);
	ssize_t n = 0;

	stack->base = sp - RED_ZONE_BYTES;
	if (verdict == STACK_GOOD) {
		/* The red zone may reach below the mapping, never mind. */
		if (stack->base < thread->stack_lo)
			stack->base = thread->stack_lo;
		n = target_read(thread->tid, stack->base, stack->bytes,
				budget);
		/* Or below what [stack] has grown to: nothing was there. */
		if (!n && stack->base < page) {
			stack->base = page;
			n = target_read(thread->tid, stack->base,
					stack->bytes, budget);
		}
	} else {
		s->stats.refused++;
	}
	stack->n_bytes = n > 0 ? (uint32_t)n : 0;
	stack->is_cut = stack->n_bytes == budget || !n;
	return verdict;
}

/*
 * A thread that runs on a system stack (of Go's runtime): copy from the stack
 * of its goroutine too, behind the other, from where its frame pointers lead;
 * or, as C code may use that register for anything, from where they led last.
 */
static void copy_other(struct thread *thread, struct stack_record *stack,
		       taddr last_fp)
{
	struct snapshot snapshot = {
		.regs = stack->regs,
		.base = stack->base,
		.bytes = stack->bytes,
		.n_bytes = stack->n_bytes,
	};
	const struct stackmap *map = &thread->process->stackmap;
	taddr lo, hi, from, at = snapshot_other_address(&snapshot, last_fp);
	taddr top = atomic_load_explicit(&thread->answers.top,
					 memory_order_relaxed);
	size_t n_bytes = STACK_OTHER_BYTES;
	ssize_t n;

	if (stackmap_check(map, at, &lo, &hi) != STACK_GOOD)
		at = last_fp & ~(taddr)OTHER_EXACTLY;
	if (stackmap_check(map, at, &lo, &hi) != STACK_GOOD)
		return;
	from = at - lo < OTHER_BYTES_BELOW ? lo : at - OTHER_BYTES_BELOW;
	if (from < top && top - from <= STACK_TOP_MAX)
		n_bytes = top - from;
	n = target_read(thread->tid, from, stack->bytes + stack->n_bytes,
			hi - from < n_bytes ? hi - from : n_bytes);
	stack->other_base = from;
	stack->n_other_bytes = n > 0 ? (uint32_t)n : 0;
}

/* Behind all else, where there is room for them. */
static void copy_labels(const struct sampler *s, const struct thread *thread,
			struct stack_record *stack)
{
	uint8_t *room = stack->bytes + stack->n_bytes + stack->n_other_bytes;

	if (s->options.labels_at)
		stack->n_label_bytes = labels_read(
			thread->tid, s->options.labels_at, room);
}

static void commit_stack(struct sampler *s, struct process *process,
			 const struct stack_record *stack)
{
	ring_commit(&s->ring, sizeof(*stack) + stack->n_bytes +
				      stack->n_other_bytes +
				      stack->n_label_bytes);
	if (!process->was_sent) /* its maps should be read while it lives */
		s->is_urgent = true;
	process->was_sent = true;
}

static void note_kept(struct sampler *s, struct thread *thread)
{
	thread->hits++;
	thread->calls_hits++;
	thread->was_kept = true;
	s->stats.samples++;
	s->stats.expected_cpu_ns += follow_period(s, thread);
}

/* Wall time since it was last handed out, up to the tick's begin. */
static int64_t take_wall(const struct sampler *s, struct thread *thread)
{
	int64_t wall_ns = thread->woke_ns - thread->wall_from_ns;

	if (s->options.mode != MODE_WALL || wall_ns < 0)
		return 0;
	thread->wall_from_ns = thread->woke_ns;
	return wall_ns;
}

/* --unwind libunwind: the whole walk while the thread stands. */
static bool send_walked(struct sampler *s, struct thread *thread, bool is_hit)
{
	size_t max = s->options.walk.max_depth < WALKED_MAX
			     ? s->options.walk.max_depth : WALKED_MAX;
	struct stack_record *stack =
		reserve_stack(s, thread, max * sizeof(taddr));
	size_t n;

	if (!stack)
		return false;
	n = upt_walk(s->upt, thread->tid, (void *)stack->bytes, max);
	if (!n) {
		s->stats.unreadable++;
		return false;
	}
	fill_record(s, stack, thread, take_wall(s, thread), is_hit);
	stack->record.kind = RECORD_WALKED;
	stack->n_bytes = (uint32_t)(n * sizeof(taddr));
	stack->is_cut = n == max;
	commit_stack(s, thread->process, stack);
	return true;
}

/*
 * Where its other stack was; for a thread that is seen there for the first
 * time that of the one before: a goroutine that calls C changes threads.
 */
static taddr find_other_fp(struct thread *thread)
{
	taddr other_fp = atomic_load_explicit(&thread->answers.other_fp,
					      memory_order_relaxed);

	if (!other_fp)
		return thread->process->other_fp;
	thread->process->other_fp = other_fp;
	return other_fp;
}

/*
 * Who has just called exec may be gone before the unwinder reads its maps, and
 * nobody else has the same: so they go in front of its first stacks. 25 us.
 */
static void send_maps(struct sampler *s, struct thread *thread)
{
	struct process *process = thread->process;
	struct maps_record *maps;
	ssize_t n;

	if (!process->n_maps)
		return;
	process->n_maps--;
	births_announce(s, process);
	maps = ring_reserve(&s->ring, sizeof(*maps) + MAPS_BYTES,
			    RING_SPARE_BYTES);
	if (!maps)
		return;
	n = proc_read_maps_into(process->pid, thread->tid, maps->text,
				MAPS_BYTES);
	/* A longer one is that of a program which lives longer, too. */
	if (n <= 0 || n == MAPS_BYTES)
		return;
	maps->record = (struct record){
		.kind = RECORD_MAPS,
		.subject = process->subject,
		.pid = process->pid,
		.tid = thread->tid,
	};
	maps->n_bytes = (uint32_t)n;
	ring_commit(&s->ring, sizeof(*maps) + (size_t)n);
}

/* The stack of a stopped thread into the ring; false if nothing was sent. */
static bool send_stack(struct sampler *s, struct thread *thread,
		       const struct user_regs_struct *user, bool is_hit)
{
	taddr other_fp = find_other_fp(thread);
	size_t budget = stack_budget(s, thread, user->rsp);
	struct stack_record *stack;

	if (s->upt)
		return send_walked(s, thread, is_hit);
	send_maps(s, thread);
	stack = reserve_stack(s, thread,
			      budget + (other_fp ? STACK_TOP_MAX : 0));
	if (!stack)
		return false;
	fill_record(s, stack, thread, take_wall(s, thread), is_hit);
	regs_from_user(user, &stack->regs);
	copy_stack(s, thread, stack, budget);
	if (other_fp && stack->n_bytes)
		copy_other(thread, stack, other_fp);
	copy_labels(s, thread, stack);
	commit_stack(s, thread->process, stack);
	return true;
}

/*
 * Not only our interrupt makes calls fail: to a tracee even signals that it
 * ignores are delivered (sig_ignored() in the kernel), and wake it. What waits
 * without a timeout is made to wait on. Stop signals make the same calls fail
 * without a tracer as well (signal(7)).
 */
static void repair_result(struct sampler *s, struct thread *thread,
			  const struct user_regs_struct *user, int signal)
{
	long result;

	if (!signal && s->options.whole_random &&
	    restart_is_short_random(user, (uint64_t)s->period_ns /
						  RANDOM_NS_PER_BYTE,
				    &result)) {
		if (tracee_set_result(thread->tid, user, result) == TRACEE_OK)
			s->stats.repaired++;
		return;
	}
	if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
	    signal == SIGTTOU)
		return;

	/* The filter is asked for only where it decides. */
	if (!restart_repair(user, true, &result))
		return;
	if (signal && (long)user->rax == -EINTR && !restart_keeps_time(user))
		return;
	if (!restart_repair(user, false, &result) &&
	    proc_status_number(thread->process->pid, "Seccomp") <= 0)
		return;
	if (tracee_set_result(thread->tid, user, result) == TRACEE_OK)
		s->stats.repaired++;
}

static void note_held(struct sampler *s, struct thread *thread,
		      const struct schedstat *now, int64_t stop_ns)
{
	int64_t end_ns = clock_now_ns();
	int64_t held = end_ns - thread->interrupted_ns;
	int64_t wait = (int64_t)(now->wait_ns - thread->asked.wait_ns);

	/* Running or waiting for its core, it was not held: the stop began
	 * after that. Off another core it begins with our request. */
	if (now->slices != thread->asked.slices || wait > 0)
		held = end_ns - stop_ns;
	crowd_note_stop(thread, now, stop_ns, end_ns);
	histogram_add(&s->stats.held, held);
	s->stats.held_thread_ns += held;
	s->window_held_ns += held;
}

/* A blocked thread found at this sp and pc again has this fp, too. */
static void note_frame_pointer(struct thread *thread,
			       const struct user_regs_struct *user)
{
	struct regs regs;

	regs_from_user(user, &regs);
	thread->stop_sp = regs.r[CPU_SP];
	thread->stop_pc = regs.r[CPU_PC];
	thread->stop_fp = regs.r[CPU_FP];
}

void capture_signal(struct sampler *s, struct thread *thread, int signal)
{
	struct user_regs_struct user;

	if (tracee_get_regs(thread->tid, &user) == TRACEE_OK)
		repair_result(s, thread, &user, signal);
	storm_at_stop(s, thread);
	tracee_resume(thread->tid, signal);
}

void capture_stop(struct sampler *s, struct thread *thread, int signal)
{
	int64_t stop_ns = clock_now_ns();
	struct schedstat now = thread->asked;
	struct user_regs_struct user;
	bool is_wall = s->options.mode == MODE_WALL && !thread->is_late;
	bool is_kept;

	s->stats.stops++;
	thread->window.stops++;
	if (tracee_get_regs(thread->tid, &user) != TRACEE_OK) {
		s->stats.unreadable++; /* killed in the stop: exit follows */
		return;
	}
	thread_read_stopped(&s->roster, thread, &now);
	is_kept = !thread->is_late &&
		  presence_judge(s, thread, &now, stop_ns,
				 user_syscall(&user));
	repair_result(s, thread, &user, signal);
	if ((is_kept || is_wall) && send_stack(s, thread, &user, is_kept)) {
		thread->has_stack = true;
		if (is_kept)
			note_kept(s, thread);
	}
	storm_at_stop(s, thread);
	tracee_resume(thread->tid, signal);
	note_frame_pointer(thread, &user);
	if (!is_kept)
		s->stats.waiting++;
	thread->is_late = false;
	thread->process->looked_ns +=
		(int64_t)(now.run_ns - thread->seen.run_ns);
	thread->seen = now;
	thread->run_ns = now.run_ns;
	note_held(s, thread, &now, stop_ns);
}

bool capture_blocked(struct sampler *s, struct thread *thread,
		     const struct task_syscall *at, int64_t wall_ns,
		     bool is_hit)
{
	size_t budget = stack_budget(s, thread, at->sp);
	struct stack_record *stack = reserve_stack(s, thread, budget);
	struct schedstat after;

	if (!stack)
		return false;
	thread->n_copies++;
	fill_record(s, stack, thread, wall_ns, is_hit);
	stack->regs = (struct regs){ 0 };
	regs_set(&stack->regs, CPU_PC, at->pc);
	regs_set(&stack->regs, CPU_SP, at->sp);
	if (at->sp == thread->stop_sp && at->pc == thread->stop_pc)
		regs_set(&stack->regs, CPU_FP, thread->stop_fp);
	/* Not known yet: it does not run away, the next look finds it. */
	if (copy_stack(s, thread, stack, budget) == STACK_UNKNOWN)
		return false;
	copy_labels(s, thread, stack);
	/* It may have run while its stack was read: then this is no stack. */
	if (!thread_read_schedstat(&s->roster, thread, &after) ||
	    after.slices != thread->seen.slices)
		return false;
	commit_stack(s, thread->process, stack);
	if (is_hit) {
		note_kept(s, thread);
		presence_note_blocked(thread);
	} else {
		s->stats.wall_samples++;
	}
	return true;
}
