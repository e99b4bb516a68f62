/* SPDX-License-Identifier: MIT */
/* roster.c - the processes and threads that the sampler holds. */
#include "sampler/roster.h"

#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "util/mem.h"

void roster_init(struct roster *roster)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	getrlimit(RLIMIT_NOFILE, &limit);
	*roster = (struct roster){
		.threads = VEC_OF(struct thread *),
		.live = VEC_OF(struct live_thread),
		.processes = VEC_OF(struct process *),
		.free_slot = NO_ID,
		.max_fds = limit.rlim_cur > 1u << 20
				   ? 1u << 19
				   : (uint32_t)limit.rlim_cur / 2,
	};
}

static void close_files(struct roster *roster, struct thread *thread)
{
	int *fds[] = { &thread->schedstat_fd, &thread->syscall_fd,
		       &thread->stat_fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] < 0)
			continue;
		close(*fds[i]);
		*fds[i] = -1;
		roster->open_fds--;
	}
}

void roster_clear(struct roster *roster)
{
	for (size_t i = 0; i < roster->threads.n; i++) {
		struct thread *thread =
			*(struct thread **)vec_at(&roster->threads, i);

		close_files(roster, thread);
		free(thread);
	}
	for (size_t i = 0; i < roster->processes.n; i++) {
		stackmap_clear(&roster_process(roster, i)->stackmap);
		free(roster_process(roster, i));
	}
	while (roster->free_process) {
		struct process *next = roster->free_process->next_free;

		free(roster->free_process);
		roster->free_process = next;
	}
	vec_clear(&roster->threads);
	vec_clear(&roster->live);
	vec_clear(&roster->processes);
	map_clear(&roster->by_tid);
}

struct thread *roster_find(const struct roster *roster, pid_t tid)
{
	uint32_t slot = map_get(&roster->by_tid, (uint64_t)tid);
	struct thread *thread;

	if (slot == NO_ID)
		return NULL;
	thread = *(struct thread **)vec_at(&roster->threads, slot);
	return thread->process && thread->tid == tid ? thread : NULL;
}

struct process *roster_find_process(const struct roster *roster, pid_t pid)
{
	for (size_t i = 0; i < roster->processes.n; i++)
		if (roster_process(roster, i)->pid == pid)
			return roster_process(roster, i);
	return NULL;
}

void roster_new_subject(struct roster *roster, struct process *process)
{
	process->subject = roster->n_subjects++;
}

struct process *roster_add_process(struct roster *roster, pid_t pid)
{
	struct process *process = roster->free_process;

	if (process)
		roster->free_process = process->next_free;
	else
		process = xmalloc(sizeof(*process));
	*process = (struct process){
		.pid = pid,
		.clock = proc_cpu_clock(pid),
	};
	roster_new_subject(roster, process);
	*(struct process **)vec_push(&roster->processes) = process;
	return process;
}

static struct thread *take_slot(struct roster *roster)
{
	struct thread *thread;
	uint32_t slot = roster->free_slot;

	if (slot != NO_ID) {
		thread = *(struct thread **)vec_at(&roster->threads, slot);
		roster->free_slot = thread->next_free;
		return thread;
	}
	thread = xcalloc(1, sizeof(*thread));
	thread->slot = (uint32_t)roster->threads.n;
	*(struct thread **)vec_push(&roster->threads) = thread;
	return thread;
}

/* The unwinder writes these, also of a thread that has ended. */
static void forget_answers(struct walk_answers *answers)
{
	atomic_store_explicit(&answers->need, 0, memory_order_relaxed);
	atomic_store_explicit(&answers->top, 0, memory_order_relaxed);
	atomic_store_explicit(&answers->needs_fp, false,
			      memory_order_relaxed);
	atomic_store_explicit(&answers->ends_early, false,
			      memory_order_relaxed);
	atomic_store_explicit(&answers->other_fp, 0, memory_order_relaxed);
}

struct thread *roster_add_thread(struct roster *roster,
				 struct process *process, pid_t tid)
{
	struct thread *thread = take_slot(roster);

	struct thread fresh = {
		.slot = thread->slot,
		.tid = tid,
		.process = process,
		.is_sampled = true,
		.is_new = true,
		.schedstat_fd = -1,
		.syscall_fd = -1,
		.stat_fd = -1,
		.live_index = roster->live.n,
	};

	memcpy(thread, &fresh, offsetof(struct thread, answers));
	forget_answers(&thread->answers);
	*(struct live_thread *)vec_push(&roster->live) =
		(struct live_thread){ .slot = thread->slot };
	map_put(&roster->by_tid, (uint64_t)tid, thread->slot);
	process->n_threads++;
	return thread;
}

void roster_remove_thread(struct roster *roster, struct thread *thread)
{
	close_files(roster, thread);
	thread->process->n_threads--;
	thread->process = NULL;
	vec_remove_swap(&roster->live, thread->live_index);
	if (thread->live_index < roster->live.n)
		roster_live(roster, thread->live_index)->live_index =
			thread->live_index;
	thread->next_free = roster->free_slot;
	roster->free_slot = thread->slot;
}

void roster_remove_process(struct roster *roster, struct process *process)
{
	for (size_t i = 0; i < roster->processes.n; i++) {
		if (roster_process(roster, i) == process) {
			vec_remove_swap(&roster->processes, i);
			break;
		}
	}
	stackmap_clear(&process->stackmap);
	process->next_free = roster->free_process;
	roster->free_process = process;
}

void roster_rename_thread(struct roster *roster, struct thread *thread,
			  pid_t tid)
{
	close_files(roster, thread);
	thread->tid = tid;
	map_put(&roster->by_tid, (uint64_t)tid, thread->slot);
}
