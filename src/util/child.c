/* SPDX-License-Identifier: MIT */
/* child.c - other programs, run without a shell. */
#include "util/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static bool is_executable_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

char *child_find(const char *program)
{
	const char *path = getenv("PATH");

	if (strchr(program, '/'))
		return is_executable_file(program) ? xstrdup(program) : NULL;
	while (path && *path) {
		size_t n = strcspn(path, ":");
		CLEANUP(free) char *dir = xstrndup(path, n);
		CLEANUP(free) char *file =
			xasprintf("%s/%s", *dir ? dir : ".", program);

		if (is_executable_file(file))
			return TAKE(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

struct pipes { /* -1: none, or closed */
	int in[2], out[2];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_end(&pipes->in[i]);
		close_end(&pipes->out[i]);
	}
}

/* The child gets the defaults of what we ignore or block. */
static int spawn(const char *const *argv,
		 const posix_spawn_file_actions_t *actions, pid_t *out_pid)
{
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int err;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn(out_pid, argv[0], actions, &attributes,
			  (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attributes);
	return err;
}

static int spawn_piped(const char *const *argv, const struct pipes *pipes,
		       bool is_quiet, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes->in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, pipes->out[1], 1);
	if (is_quiet)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
						 O_WRONLY, 0);
	err = spawn(argv, &actions, out_pid);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

/* One read of what the child says; false at its end. */
static bool take_output(int fd, struct strbuf *out)
{
	char bytes[65536];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0)
		strbuf_add(out, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* One write of what is left of the input; false when all is done. */
static bool give_input(int fd, const struct strbuf *input, size_t *done)
{
	ssize_t n = input && input->len > *done ?
			    write(fd, input->data + *done,
				  input->len - *done) : -1;

	if (n > 0)
		*done += (size_t)n;
	else if (!input || input->len == *done ||
		 (errno != EINTR && errno != EAGAIN))
		return false; /* it does not want to read more */
	return input->len > *done;
}

/* Both ways at once: a child may write before it has read all. */
static void talk(struct pipes *pipes, const struct strbuf *input,
		 struct strbuf *out)
{
	size_t done = 0;

	if (!input || !input->len)
		close_end(&pipes->in[1]);
	else
		fcntl(pipes->in[1], F_SETFL, O_NONBLOCK);
	while (pipes->out[0] >= 0) {
		struct pollfd fds[] = { { pipes->out[0], POLLIN, 0 },
					{ pipes->in[1], POLLOUT, 0 } };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !take_output(pipes->out[0], out))
			close_end(&pipes->out[0]);
		if (fds[1].revents && !give_input(pipes->in[1], input, &done))
			close_end(&pipes->in[1]);
	}
}

int child_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static struct error *check_status(const char *program, int status)
{
	if (status == -1)
		return error_new("cannot wait for %s", program);
	if (WIFSIGNALED(status))
		return error_new("%s: killed by signal %d", program,
				 WTERMSIG(status));
	if (WEXITSTATUS(status))
		return error_new("%s: exit status %d", program,
				 WEXITSTATUS(status));
	return NULL;
}

struct error *child_run(const char *const *argv, const struct strbuf *input,
			bool is_quiet, struct strbuf *out)
{
	struct pipes pipes = { { -1, -1 }, { -1, -1 } };
	void (*old)(int);
	pid_t pid;
	int err;

	if (pipe2(pipes.in, O_CLOEXEC) || pipe2(pipes.out, O_CLOEXEC)) {
		err = errno;
		close_pipes(&pipes);
		return error_errno(err, "cannot make a pipe");
	}
	err = spawn_piped(argv, &pipes, is_quiet, &pid);
	close_end(&pipes.in[0]);
	close_end(&pipes.out[1]);
	if (err) {
		close_pipes(&pipes);
		return error_errno(err, "cannot run %s", argv[0]);
	}
	old = signal(SIGPIPE, SIG_IGN);
	talk(&pipes, input, out);
	signal(SIGPIPE, old);
	close_pipes(&pipes);
	return check_status(argv[0], child_wait(pid));
}

struct error *child_start(const char *const *argv, pid_t *out_pid)
{
	int err = spawn(argv, NULL, out_pid);

	return err ? error_errno(err, "cannot run %s", argv[0]) : NULL;
}
