/* SPDX-License-Identifier: MIT */
/* guard.c - a small process that lets the target go when psample cannot. */
#include "target/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

static void __attribute__((noreturn)) guard_main(struct guard_page *page,
						 int pipe_fd, pid_t psample)
{
	static const char text[] = "psample: was stopped or hung; ended, so "
				   "that its target runs on\n";
	struct pollfd pfd = { .fd = pipe_fd, .events = POLLIN };
	int64_t last_ns = clock_now_ns();
	int n = 0;

	while (n == 0 || (n < 0 && errno == EINTR)) {
		int64_t now;

		n = poll(&pfd, 1, POLL_MS);
		now = clock_now_ns();
		/* If we were late ourselves, the whole machine stood still. */
		if (n == 0 && now - last_ns < 4 * POLL_MS * NS_PER_MS &&
		    must_end(page, psample)) {
			kill(psample, SIGKILL);
			if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
				break;
		}
		last_ns = now;
	}
	idle_release(&page->idle);
	poke_undo(&page->poke);
	_exit(0);
}

struct error *guard_start(struct guard *guard)
{
	pid_t psample = getpid();
	sigset_t all, before;
	int fds[2];

	*guard = (struct guard){ .pipe_fd = -1 };
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
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	guard->pid = fork();
	if (guard->pid == 0) {
		close(fds[1]);
		prctl(PR_SET_NAME, "psample-guard");
		guard_main(guard->page, fds[0], psample);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fds[0]);
	guard->pipe_fd = fds[1];
	return guard->pid < 0 ? error_errno(errno, "cannot fork") : NULL;
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
	munmap(guard->page, sizeof(*guard->page));
	guard->page = NULL;
}
