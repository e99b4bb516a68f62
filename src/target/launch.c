/* SPDX-License-Identifier: MIT */
/* launch.c - fork now, exec when the sampler is ready. */
#include "target/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/permission.h"

static void __attribute__((noreturn)) child_main(char *const argv[],
						 int go_fd, int error_fd)
{
	ssize_t n;
	int err;
	char go;

	do
		n = read(go_fd, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1) /* psample is gone */
		_exit(125);
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(125);
	_exit(err == ENOENT ? 127 : 126);
}

struct error *launch_fork(char *const argv[], struct launch *out)
{
	struct error *error = launch_check(argv[0]);
	pid_t psample = getpid();
	int go[2], failed[2];

	if (error)
		return error;
	if (pipe2(go, O_CLOEXEC))
		return error_errno(errno, "cannot make a pipe");
	if (pipe2(failed, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return error_errno(errno, "cannot make a pipe");
	}
	out->pid = fork();
	if (out->pid == 0) {
		/*
		 * Where Yama lets only ancestors attach: we are one, our
		 * children are none. An exec does not take it back.
		 */
		if (out->is_for_children)
			prctl(PR_SET_PTRACER, psample);
		close(go[1]);
		close(failed[0]);
		child_main(argv, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	out->go_fd = go[1];
	out->error_fd = failed[0];
	if (out->pid < 0) {
		launch_close(out);
		return error_errno(errno, "cannot fork");
	}
	out->pid_fd = (int)syscall(SYS_pidfd_open, out->pid, 0);
	return NULL;
}

void launch_exec(struct launch *launch)
{
	/* A failure means that the child is gone: its exit tells. */
	ssize_t n = write(launch->go_fd, "", 1);

	(void)n;
	close(launch->go_fd);
	launch->go_fd = -1;
}

int launch_exec_errno(const struct launch *launch)
{
	int err;

	if (read(launch->error_fd, &err, sizeof(err)) != sizeof(err))
		return 0;
	return err;
}

void launch_signal(const struct launch *launch, int number)
{
	/* A filter may know the one call and not the other. */
	if (launch->pid_fd < 0 ||
	    (syscall(SYS_pidfd_send_signal, launch->pid_fd, number, NULL, 0) &&
	     (errno == EPERM || errno == ENOSYS)))
		kill(launch->pid, number);
}

void launch_close(struct launch *launch)
{
	if (launch->pid_fd >= 0)
		close(launch->pid_fd);
	if (launch->go_fd >= 0)
		close(launch->go_fd);
	if (launch->error_fd >= 0)
		close(launch->error_fd);
	launch->pid_fd = launch->go_fd = launch->error_fd = -1;
}
