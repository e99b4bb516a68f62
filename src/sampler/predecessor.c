/* SPDX-License-Identifier: MIT */
/*
 * predecessor.c - which thread had our core until we came?
 *
 * When we wait for a tick on the core of a thread (follow.c), it is not on it
 * any more when we look. A kernel without preemption lets it finish its system
 * call first, and if that blocks it looks as if it had not run at all; one
 * that was just woken and still waits looks as if we had displaced it. The
 * kernel knows: in a switch from one thread to another both are given the same
 * time (exec_start, set by update_curr() of the one that leaves and by
 * set_next_task() of the one that comes, from one reading of the clock).
 */
#include "sampler/predecessor.h"

#include <unistd.h>

#include "sampler/sampler.h"
#include "target/sched_file.h"

static bool read_time(int *fd, pid_t pid, pid_t tid, uint64_t *out_ns)
{
	if (*fd < 0)
		*fd = sched_file_open(pid, tid);
	return *fd >= 0 && sched_file_read(*fd, out_ns);
}

struct thread *predecessor_find(struct sampler *s)
{
	struct follow *follow = &s->follow;
	uint64_t own_ns, ns;

	if (follow->cpu < 0 || !follow->n_doubtful ||
	    !read_time(&follow->own_fd, getpid(), gettid(), &own_ns))
		return NULL;
	for (size_t i = 0; i < follow->n; i++) {
		struct thread *thread = follow_thread(s, i);

		if (thread->process && thread->is_doubtful &&
		    read_time(&follow->hot[i].sched_fd, thread->process->pid,
			      thread->tid, &ns) &&
		    ns == own_ns)
			return thread;
	}
	return NULL;
}

bool predecessor_can_be_known(struct sampler *s)
{
	uint64_t own_ns;

	return read_time(&s->follow.own_fd, getpid(), gettid(), &own_ns);
}
