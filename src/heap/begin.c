/* SPDX-License-Identifier: MIT */
/* begin.c - start a program and hold it before its first instruction. */
#include "heap/begin.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "target/tracee.h"
#include "util/clock.h"

void begin_await_event(void)
{
	struct timespec timeout = timespec_of_ns(20 * NS_PER_MS);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &timeout);
}

/* Signals on the way to exec are the program's: it gets them. */
static bool await_exec(pid_t pid, struct wait_event *event)
{
	for (;;) {
		if (!tracee_wait(pid, event)) {
			begin_await_event();
			continue;
		}
		if (event->is_exit)
			return false;
		if (event->event == PTRACE_EVENT_EXEC)
			return true;
		if (event->event == PTRACE_EVENT_STOP)
			tracee_listen(pid);
		else
			tracee_resume(pid, event->event ? 0 : event->signal);
	}
}

struct error *begin_hold(struct launch *launch, int *out_exec_errno)
{
	struct wait_event event;
	int err = tracee_seize_beginner(launch->pid);

	*out_exec_errno = 0;
	if (err)
		return error_hint(error_errno(err, "cannot trace the program"),
				  "cause: a seccomp filter or a container "
				  "forbids ptrace(2)");
	launch_exec(launch);
	if (await_exec(launch->pid, &event))
		return NULL;
	tracee_reap(launch->pid);
	*out_exec_errno = launch_exec_errno(launch);
	if (*out_exec_errno)
		return NULL;
	return error_new("the program was ended before it began");
}

void begin_release(const struct launch *launch)
{
	tracee_detach(launch->pid, 0);
}

void begin_kill(const struct launch *launch)
{
	kill(launch->pid, SIGKILL);
	waitpid(launch->pid, NULL, __WALL);
}
