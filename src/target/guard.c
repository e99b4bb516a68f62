/* SPDX-License-Identifier: MIT */
/* guard.c - a small process that lets the target go when psample cannot. */
#include "target/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "target/proc.h"
#include "util/clock.h"

#define POLL_MS 100
#define STOPPED_NS (600 * NS_PER_MS)
#define SILENT_NS (10 * NS_PER_S)

/* Stopped by force, or hanging for good; a debugger may do as it likes. */
static bool must_end(const struct guard_page *page, pid_t psample)
{
	int64_t beat = atomic_load(&page->beat_ns);
	int64_t silence = clock_now_ns() - beat;
	struct proc_stat stat;

	if (!beat || silence < STOPPED_NS || atomic_load(&page->is_announced))
		return false;
	if (!proc_read_stat(psample, psample, &stat) ||
	    proc_status_number(psample, "TracerPid") > 0)
		return false;
	return stat.state == 'T' || silence > SILENT_NS;
}

/* By its descriptor: its number may be a stranger's by now. */
static void end_psample(const struct guard *guard, pid_t psample)
{
	if (guard->psample_fd >= 0 &&
	    (!syscall(SYS_pidfd_send_signal, guard->psample_fd, SIGKILL, NULL,
		      0) ||
	     errno == ESRCH))
		return;
	if (getppid() == psample)
		kill(psample, SIGKILL);
}

static void __attribute__((noreturn)) guard_main(const struct guard *guard,
						 pid_t psample)
{
	static const char text[] = "psample: was stopped or hung; ended, so "
				   "that its target runs on\n";
	struct pollfd pfds[] = {
		{ .fd = guard->read_fd, .events = POLLIN },
		{ .fd = guard->psample_fd, .events = POLLIN },
	};
	struct guard_page *page = guard->page;
	int64_t last_ns = clock_now_ns();
	int n = 0;

	/* Without pidfd_open(2) (before Linux 5.3) POLL_MS are lost. */
	while (getppid() == psample && (n == 0 || (n < 0 && errno == EINTR))) {
		int64_t now;

		n = poll(pfds, ARRAY_SIZE(pfds), POLL_MS);
		now = clock_now_ns();
		/* If we were late ourselves, the whole machine stood still. */
		if (n == 0 && now - last_ns < 4 * POLL_MS * NS_PER_MS &&
		    must_end(page, psample)) {
			end_psample(guard, psample);
			if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
				break;
		}
		last_ns = now;
	}
	idle_release(&page->idle);
	poke_undo(&page->poke);
	pokes_undo_all(&page->pokes);
	_exit(0);
}

/*
 * It shares psample's table of files: the memory of a process that psample
 * comes to know later can be put right, too, where no process but psample had
 * the right to open it (Yama: it was an ancestor).
 */
static pid_t fork_with_files(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL,
			      NULL, NULL);
}

struct error *guard_start(struct guard *guard)
{
	pid_t psample = getpid();
	sigset_t all, before;
	int fds[2], err;

	*guard = (struct guard){ .pipe_fd = -1, .psample_fd = -1 };
	guard->page = mmap(NULL, sizeof(*guard->page),
			   PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard->page == MAP_FAILED) {
		guard->page = NULL;
		return error_errno(errno, "cannot share memory");
	}
	idle_init(&guard->page->idle);
	if (pipe2(fds, O_CLOEXEC))
		return error_errno(errno, "cannot make a pipe");
	guard->read_fd = fds[0];
	guard->pipe_fd = fds[1];
	guard->psample_fd = (int)syscall(SYS_pidfd_open, psample, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	guard->pid = fork_with_files();
	if (guard->pid == 0) {
		prctl(PR_SET_NAME, "psample-guard");
		guard_main(guard, psample);
	}
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return guard->pid < 0 ? error_errno(err, "cannot fork") : NULL;
}

void guard_end(struct guard *guard)
{
	if (!guard->page)
		return;
	atomic_store(&guard->page->beat_ns, 0);
	idle_clear(&guard->page->idle);
	if (guard->pipe_fd >= 0)
		close(guard->pipe_fd);
	if (guard->pid > 0)
		waitpid(guard->pid, NULL, 0);
	if (guard->pipe_fd >= 0)
		close(guard->read_fd);
	if (guard->psample_fd >= 0)
		close(guard->psample_fd);
	munmap(guard->page, sizeof(*guard->page));
	guard->page = NULL;
}
