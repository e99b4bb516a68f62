/* SPDX-License-Identifier: MIT */
/* run.c - one run of psample: start it, talk with it, see it gone. */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GONE_MS 5000 /* a process that was killed, or has closed its files */

enum answer {
	ANSWER_SAMPLING, /* attached; or suspended, as asked for */
	ANSWER_WROTE,
	ANSWER_FAILED,
	ANSWER_OTHER,
	ANSWER_END, /* psample has closed the socket */
	ANSWER_LATE,
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until @fd has something to read; false when the time is over. */
static bool await_input(int fd, int64_t until_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = until_ms - now_ms();
		int n = poll(&pfd, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* One line, of which the first letters tell all. */
static enum answer await_line(int fd, int64_t until_ms)
{
	char first = 0, c = 0;

	while (c != '\n') {
		ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return ANSWER_END;
		if (n < 0 && !await_input(fd, until_ms))
			return ANSWER_LATE;
		if (n > 0 && !first)
			first = c;
	}
	switch (first) {
	case 's':
		return ANSWER_SAMPLING;
	case 'w':
		return ANSWER_WROTE;
	case 'f':
		return ANSWER_FAILED;
	default:
		return ANSWER_OTHER;
	}
}

/* What psample has said, its lines joined by "; ". */
static int fail_in_its_words(const struct client_run *run,
			     struct psample_error *error)
{
	char text[400], joined[480];
	ssize_t n = pread(run->text_fd, text, sizeof(text) - 1, 0);
	size_t len = 0;
	const char *p = text;

	if (n <= 0)
		return client_fail(error, EIO, "psample ended without a "
				   "profile, and without a word");
	text[n] = '\0';
	if (!strncmp(p, "psample: ", 9))
		p += 9;
	for (; *p && len + 3 < sizeof(joined); p++) {
		if (*p == '\n') {
			while (p[1] == ' ' || p[1] == '\n')
				p++;
			if (!p[1])
				break;
			joined[len++] = ';';
		}
		joined[len++] = *p == '\n' ? ' ' : *p;
	}
	joined[len] = '\0';
	return client_fail(error, EIO, "%s", joined);
}

/* Is the keeper gone, and with it psample? */
static bool await_gone(const struct client_run *run, unsigned ms)
{
	int64_t until_ms = now_ms() + ms;

	for (;;) {
		pid_t pid = waitpid(run->keeper, NULL, WNOHANG | __WALL);

		/* Somebody else may have waited for it. */
		if (pid == run->keeper || (pid < 0 && errno == ECHILD))
			return true;
		if (now_ms() >= until_ms)
			return false;
		poll(NULL, 0, 1);
	}
}

/* Leave nothing: no process, no descriptor, no memory, no exception. */
static void clean_up(struct client_run *run, bool must_kill)
{
	bool is_gone;

	if (run->control_fd >= 0)
		close(run->control_fd);
	is_gone = run->keeper <= 0;
	if (!is_gone && !must_kill)
		is_gone = await_gone(run, GONE_MS);
	if (!is_gone) {
		pid_t pid = atomic_load(&run->room->program_pid);

		/* Not a stranger's: the keeper has not seen its end. */
		if (pid > 0)
			kill(pid, SIGKILL);
		is_gone = await_gone(run, GONE_MS);
	}
	if (run->is_ptracer)
		prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	if (run->text_fd >= 0)
		close(run->text_fd);
	if (is_gone) /* else it runs on that memory */
		client_room_free(run->room);
	*run = (struct client_run){ .control_fd = -1, .text_fd = -1 };
}

/* Yama's scope 1: only ancestors may attach, and whom the program names. */
static bool is_yama_restricted(void)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope",
		      O_RDONLY | O_CLOEXEC);
	char scope = '0';

	if (fd < 0)
		return false;
	if (read(fd, &scope, 1) != 1)
		scope = '0';
	close(fd);
	return scope == '1';
}

/*
 * From here on there is a second process. It waits for a byte, so that it is
 * permitted to attach before it tries.
 */
static int start_keeper(struct client_run *run, struct psample_error *error)
{
	pid_t pid = client_keeper_start(run->room);

	if (pid < 0)
		return client_fail_errno(error, -pid,
					 "cannot make a process");
	run->keeper = pid;
	if (is_yama_restricted())
		run->is_ptracer = !prctl(PR_SET_PTRACER, pid, 0, 0, 0);
	if (send(run->control_fd, "g", 1, MSG_NOSIGNAL) != 1)
		return client_fail_errno(error, errno, "cannot start psample");
	return 0;
}

static int start_with_fds(struct client_run *run, int output_fd,
			  int *their_fd, struct psample_error *error)
{
	int fds[2], null_fd, result;

	run->text_fd = (int)syscall(SYS_memfd_create, "psample-text", 1u);
	if (run->text_fd < 0)
		return client_fail_errno(error, errno, "cannot make a file");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return client_fail_errno(error, errno, "cannot make a socket");
	run->control_fd = fds[0];
	*their_fd = fds[1];
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return client_fail_errno(error, errno, "/dev/null");
	run->room->fds[0] = null_fd;
	run->room->fds[1] = output_fd >= 0 ? output_fd : null_fd;
	run->room->fds[2] = run->text_fd;
	run->room->fds[3] = fds[1];
	result = start_keeper(run, error);
	close(null_fd);
	return result;
}

static int await_sampling(struct client_run *run, unsigned start_ms,
			  struct psample_error *error)
{
	enum answer answer = await_line(run->control_fd, now_ms() + start_ms);

	if (answer == ANSWER_SAMPLING)
		return 0;
	if (answer == ANSWER_LATE)
		return client_fail(error, ETIMEDOUT, "psample did not attach "
				   "within %u ms", start_ms);
	if (run->room->exec_errno)
		return client_fail_errno(error, run->room->exec_errno,
					 run->room->path);
	return fail_in_its_words(run, error);
}

int client_run_begin(struct client_run *run, int output_fd, unsigned start_ms,
		     struct psample_error *error)
{
	int their_fd = -1, result;

	run->control_fd = run->text_fd = -1;
	result = start_with_fds(run, output_fd, &their_fd, error);
	/* The keeper has a copy of its own since it was cloned. */
	if (their_fd >= 0)
		close(their_fd);
	if (!result)
		result = await_sampling(run, start_ms, error);
	if (result)
		clean_up(run, result == ETIMEDOUT);
	return result;
}

static bool say(const struct client_run *run, const char *word)
{
	size_t len = strlen(word);

	return send(run->control_fd, word, len, MSG_NOSIGNAL) == (ssize_t)len;
}

int client_run_ask(struct client_run *run, const char *word,
		   struct psample_error *error)
{
	enum answer answer;

	if (!say(run, word))
		return fail_in_its_words(run, error);
	answer = await_line(run->control_fd, now_ms() + run->stop_ms);
	if (answer == ANSWER_WROTE)
		return 0;
	if (answer == ANSWER_LATE)
		return client_fail(error, ETIMEDOUT, "the profile was not "
				   "written within %u ms", run->stop_ms);
	return fail_in_its_words(run, error);
}

static int change(struct client_run *run, const char *word,
		  struct psample_error *error)
{
	if (!say(run, word))
		return fail_in_its_words(run, error);
	return await_sampling(run, CLIENT_START_MS, error);
}

int client_run_suspend(struct client_run *run, struct psample_error *error)
{
	return change(run, "suspend\n", error);
}

int client_run_resume(struct client_run *run, struct psample_error *error)
{
	client_run_permit(run);
	return change(run, "resume\n", error);
}

int client_run_end(struct client_run *run, const char *word,
		   struct psample_error *error)
{
	int64_t until_ms = now_ms() + run->stop_ms;
	enum answer answer;
	bool is_written = false;
	int result = 0;

	/* An earlier "wrote" is not the last one: its end is what counts. */
	if (word)
		say(run, word);
	do {
		answer = await_line(run->control_fd, until_ms);
		if (answer == ANSWER_WROTE)
			is_written = true;
	} while (answer != ANSWER_END && answer != ANSWER_LATE);
	if (answer == ANSWER_LATE)
		result = client_fail(error, ETIMEDOUT, "the profile was not "
				     "written within %u ms", run->stop_ms);
	else if (!is_written)
		result = fail_in_its_words(run, error);
	clean_up(run, answer == ANSWER_LATE);
	return result;
}

void client_run_permit(const struct client_run *run)
{
	if (run->is_ptracer)
		prctl(PR_SET_PTRACER, run->keeper, 0, 0, 0);
}

void client_run_forget(struct client_run *run)
{
	close(run->control_fd);
	close(run->text_fd);
	client_room_free(run->room); /* a copy: the keeper has its own */
	*run = (struct client_run){ .control_fd = -1, .text_fd = -1 };
}
