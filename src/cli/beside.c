/* SPDX-License-Identifier: MIT */
/* beside.c - a second recorder, of time, beside the one of allocations. */
#include "cli/beside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/control.h"
#include "cli/run.h"
#include "util/child.h"
#include "util/log.h"

struct beside {
	pid_t pid;
	struct control *control;
};

/* What ends us at the terminal, or is sent to us, is for us to hand on. */
static void ignore_signals(void)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				    SIGUSR1, SIGUSR2, SIGTSTP };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		signal(ours[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) recorder_main(const struct run *run,
						    taddr agent_at, int fd)
{
	struct record_options options = *run->options;
	char *no_program[] = { NULL };
	char *control = xasprintf("fd:%d", fd);

	ignore_signals();
	close(run->guard.pipe_fd); /* its guard must see that it has died */
	options.event = options.beside;
	options.has_beside = false;
	options.mean_bytes = 0;
	options.wants_leaks = options.no_inuse = false;
	options.kill_at_end = false;
	options.name_regex = NULL;
	options.control = control;
	options.output = output_name_of(run->options, options.event);
	options.sampler.duration_ns = options.sampler.delay_ns = 0;
	options.sampler.agent_at = agent_at;
	options.pids = VEC_OF(pid_t);
	*(pid_t *)vec_push(&options.pids) = run->pid;
	fflush(NULL);
	_exit(run_record(&options, no_program));
}

/* Until it says that it samples, or is gone. */
static bool await_sampling(struct beside *beside)
{
	while (control_fd(beside->control) >= 0) {
		struct pollfd pfd = { control_fd(beside->control), POLLIN, 0 };
		const char *word;

		poll(&pfd, 1, -1);
		while ((word = control_read(beside->control)))
			if (!strcmp(word, "sampling"))
				return true;
	}
	return false;
}

struct error *beside_start(const struct run *run, taddr agent_at,
			   struct beside **out)
{
	struct beside *beside = xcalloc(1, sizeof(*beside));
	CLEANUP(free) char *ours = NULL;
	struct error *error;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
		free(beside);
		return error_errno(errno, "cannot make a socket");
	}
	ours = xasprintf("fd:%d", fds[0]);
	beside->pid = fork();
	if (beside->pid == 0) {
		close(fds[0]);
		recorder_main(run, agent_at, fds[1]);
	}
	close(fds[1]);
	error = control_open(ours, &beside->control);
	if (!error && beside->pid < 0)
		error = error_errno(errno, "cannot fork");
	if (!error && !await_sampling(beside))
		error = error_new("the recorder beside does not work");
	if (error) {
		beside_free(beside);
		return error;
	}
	*out = beside;
	return NULL;
}

void beside_write(struct beside *beside)
{
	if (beside)
		control_tell(beside->control, "dump", NULL);
}

bool beside_end(struct beside *beside)
{
	int status;

	if (!beside || beside->pid <= 0)
		return true;
	control_tell(beside->control, "end", NULL);
	status = child_wait(beside->pid);
	beside->pid = 0;
	return !status;
}

void beside_free(struct beside *beside)
{
	if (!beside)
		return;
	beside_end(beside);
	control_close(beside->control);
	free(beside);
}
