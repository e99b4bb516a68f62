/* SPDX-License-Identifier: MIT */
/* task_files.c - the /proc files of a thread that are read at every look. */
#include "sampler/task_files.h"

#include <unistd.h>

/* Keep the file open if there is room, else open it for this read only. */
static int open_kept(struct roster *roster, int *kept, int fd)
{
	if (fd >= 0 && roster->open_fds < roster->max_fds) {
		*kept = fd;
		roster->open_fds++;
	}
	return fd;
}

/* The stat file, kept open or not: see close_unkept(). */
static int open_stat(struct roster *roster, struct thread *thread)
{
	if (thread->stat_fd >= 0)
		return thread->stat_fd;
	return open_kept(roster, &thread->stat_fd,
			 proc_open_stat(thread->process->pid, thread->tid));
}

static void close_unkept(int fd, int kept)
{
	if (fd >= 0 && fd != kept)
		close(fd);
}

static bool read_coarse(struct roster *roster, struct thread *thread,
			int status_fd, struct schedstat *out)
{
	int fd = open_stat(roster, thread);
	bool done = fd >= 0 && schedstat_read_coarse(status_fd, fd, out);

	close_unkept(fd, thread->stat_fd);
	return done;
}

bool thread_read_schedstat(struct roster *roster, struct thread *thread,
			   struct schedstat *out)
{
	pid_t pid = thread->process->pid;
	int fd = thread->schedstat_fd;
	bool done;

	if (fd < 0)
		fd = open_kept(roster, &thread->schedstat_fd,
			       roster->is_coarse
				       ? proc_open_status(pid, thread->tid)
				       : proc_open_schedstat(pid, thread->tid));
	if (fd < 0)
		return false;
	done = roster->is_coarse ? read_coarse(roster, thread, fd, out)
				 : schedstat_read(fd, out);
	close_unkept(fd, thread->schedstat_fd);
	return done;
}

bool thread_read_stopped(struct roster *roster, struct thread *thread,
			 struct schedstat *out)
{
	if (!thread_read_schedstat(roster, thread, out))
		return false;
	if (roster->is_coarse && out->slices)
		out->slices--;
	return true;
}

enum task_activity thread_read_syscall(struct roster *roster,
				       struct thread *thread,
				       struct task_syscall *out)
{
	int fd = thread->syscall_fd;
	enum task_activity activity;

	if (fd < 0)
		fd = open_kept(roster, &thread->syscall_fd,
			       proc_open_syscall(thread->process->pid,
						 thread->tid));
	if (fd < 0)
		return TASK_GONE;
	activity = task_syscall_read(fd, out);
	close_unkept(fd, thread->syscall_fd);
	return activity;
}

int thread_processor(struct roster *roster, struct thread *thread)
{
	int fd = open_stat(roster, thread), cpu;

	if (fd < 0)
		return -1;
	cpu = stat_read_processor(fd);
	close_unkept(fd, thread->stat_fd);
	return cpu;
}
