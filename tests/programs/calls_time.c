/* SPDX-License-Identifier: MIT */
/* calls_time.c - calls that wait for time or for readiness. */
#include "calls.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/wait.h>

static long call_nanosleep(struct scene *s)
{
	struct timespec t = timespec_wait();

	(void)s;
	return nanosleep(&t, NULL);
}

static long as_result(int err) /* of functions that return errno */
{
	errno = err;
	return err ? -1 : 0;
}

static long call_clock_nanosleep(struct scene *s)
{
	struct timespec t = timespec_wait();

	(void)s;
	return as_result(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
}

static long call_clock_nanosleep_abs(struct scene *s)
{
	struct timespec t = timespec_end(CLOCK_MONOTONIC);

	(void)s;
	return as_result(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t,
					 NULL));
}

static long call_usleep(struct scene *s)
{
	(void)s;
	return usleep(WAIT_MS * 1000);
}

static int open_event(struct scene *s)
{
	struct epoll_event event = { .events = EPOLLIN };

	s->fd[0] = eventfd(0, EFD_NONBLOCK);
	s->fd[1] = epoll_create1(0);
	return epoll_ctl(s->fd[1], EPOLL_CTL_ADD, s->fd[0], &event);
}

static void wake_event(struct scene *s)
{
	eventfd_write(s->fd[0], 1);
}

static long take_event(struct scene *s, long result)
{
	eventfd_t count;

	if (result > 0 && eventfd_read(s->fd[0], &count) != 0)
		return WRONG_DATA;
	return result;
}

static long poll_for(struct scene *s, int ms)
{
	struct pollfd p = { .fd = s->fd[0], .events = POLLIN };

	return take_event(s, poll(&p, 1, ms));
}

static long call_poll(struct scene *s)
{
	return poll_for(s, WAIT_MS);
}

static long call_poll_infinite(struct scene *s)
{
	return poll_for(s, -1);
}

static long call_ppoll(struct scene *s)
{
	struct pollfd p = { .fd = s->fd[0], .events = POLLIN };
	struct timespec t = timespec_wait();

	return ppoll(&p, 1, &t, NULL);
}

/* A child that ends when it is told to: fd[1] is its pipe. */
static int ready_child(struct scene *s)
{
	int fds[2];

	if (pipe(fds) != 0)
		return -1;
	s->id = fork();
	if (s->id == 0) {
		char byte;

		close(fds[1]);
		while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
			;
		_exit(7);
	}
	close(fds[0]);
	s->fd[1] = fds[1];
	return s->id < 0 ? -1 : 0;
}

static void wake_child(struct scene *s)
{
	put_byte(s->fd[1]);
}

static long after_child(struct scene *s, long result, int status)
{
	close(s->fd[1]);
	if (result > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 7))
		return WRONG_DATA;
	return result > 0 ? 1 : result;
}

static long call_wait4(struct scene *s)
{
	int status = 0;
	long result = waitpid(s->id, &status, 0);
	int err = errno;

	result = after_child(s, result, status);
	errno = err;
	return result;
}

static long call_waitid(struct scene *s)
{
	siginfo_t info = { 0 };
	long result = waitid(P_PID, (id_t)s->id, &info, WEXITED);
	int err = errno;

	close(s->fd[1]);
	errno = err;
	if (result == 0 && info.si_status != 7)
		return WRONG_DATA;
	return result;
}

static long call_poll_pidfd(struct scene *s)
{
	int fd = (int)syscall(SYS_pidfd_open, s->id, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long result = poll(&p, 1, -1);
	int err = errno, status = 0;

	close(fd);
	waitpid(s->id, &status, 0);
	result = after_child(s, result, status);
	errno = err;
	return result;
}

static long call_select(struct scene *s)
{
	struct timeval t = { .tv_usec = WAIT_MS * 1000 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd[0], &set);
	return select(s->fd[0] + 1, &set, NULL, NULL, &t);
}

static long call_select_infinite(struct scene *s)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd[0], &set);
	return take_event(s, select(s->fd[0] + 1, &set, NULL, NULL, NULL));
}

/* The kernel cannot write back what is left, and answers EINTR to a stop. */
static int open_readonly(struct scene *s)
{
	long *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || open_event(s) != 0)
		return -1;
	page[1] = WAIT_MS * 1000;	/* struct timeval */
	page[3] = WAIT_MS * NS_PER_MS;	/* struct timespec */
	s->memory = (char *)page;
	return mprotect(page, 4096, PROT_READ);
}

static long call_select_readonly(struct scene *s)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd[0], &set);
	return syscall(SYS_select, s->fd[0] + 1, &set, NULL, NULL, s->memory);
}

static long call_pselect(struct scene *s)
{
	struct timespec t = timespec_wait();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd[0], &set);
	return pselect(s->fd[0] + 1, &set, NULL, NULL, &t, NULL);
}

static long call_pselect_readonly(struct scene *s)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s->fd[0], &set);
	return syscall(SYS_pselect6, s->fd[0] + 1, &set, NULL, NULL,
		       s->memory + 16, NULL);
}

static long call_epoll_wait(struct scene *s)
{
	struct epoll_event event;

	return epoll_wait(s->fd[1], &event, 1, WAIT_MS);
}

static long call_epoll_wait_infinite(struct scene *s)
{
	struct epoll_event event;

	return take_event(s, epoll_wait(s->fd[1], &event, 1, -1));
}

static long call_epoll_pwait(struct scene *s)
{
	struct epoll_event event;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(s->fd[1], &event, 1, WAIT_MS, &none);
}

static long epoll_pwait2_for(struct scene *s, const struct timespec *t)
{
	struct epoll_event event;

	return take_event(s, syscall(SYS_epoll_pwait2, s->fd[1], &event, 1, t,
				     NULL, 8));
}

static long call_epoll_pwait2(struct scene *s)
{
	struct timespec t = timespec_wait();

	return epoll_pwait2_for(s, &t);
}

static long call_epoll_pwait2_infinite(struct scene *s)
{
	return epoll_pwait2_for(s, NULL);
}

static long futex(struct scene *s, int op, uint32_t value, const void *t)
{
	return syscall(SYS_futex, &s->word, op | FUTEX_PRIVATE_FLAG, value, t,
		       NULL, FUTEX_BITSET_MATCH_ANY);
}

static int ready_futex(struct scene *s)
{
	s->word = 0;
	return 0;
}

static void wake_futex(struct scene *s)
{
	s->word = 1;
	futex(s, FUTEX_WAKE, 1, NULL);
}

static long call_futex(struct scene *s)
{
	struct timespec t = timespec_wait();

	return futex(s, FUTEX_WAIT, 0, &t);
}

static long call_futex_infinite(struct scene *s)
{
	long result = futex(s, FUTEX_WAIT, 0, NULL);

	/* on a busy machine it may have been woken before */
	return result == -1 && errno == EAGAIN && s->word == 1 ? 0 : result;
}

static long call_futex_absolute(struct scene *s)
{
	struct timespec t = timespec_end(CLOCK_MONOTONIC);

	return futex(s, FUTEX_WAIT_BITSET, 0, &t);
}

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static long call_futex_waitv(struct scene *s)
{
	struct { uint64_t value, address; uint32_t flags, zero; } w = {
		.address = (uint64_t)(uintptr_t)&s->word,
		.flags = 2 | FUTEX_PRIVATE_FLAG, /* 32 bits */
	};
	struct timespec t = timespec_end(CLOCK_MONOTONIC);

	return syscall(SYS_futex_waitv, &w, 1, 0, &t, CLOCK_MONOTONIC);
}

const struct call_case calls_time[] = {
	{ "nanosleep", open_nothing, NULL, call_nanosleep, .want = 0 },
	{ "clock_nanosleep", open_nothing, NULL, call_clock_nanosleep,
	  .want = 0 },
	{ "clock_nanosleep_abs", open_nothing, NULL, call_clock_nanosleep_abs,
	  .want = 0 },
	{ "usleep", open_nothing, NULL, call_usleep, .want = 0 },
	{ "poll", open_event, NULL, call_poll, .want = 0 },
	{ "poll_infinite", open_event, NULL, call_poll_infinite,
	  .wake = wake_event, .want = 1 },
	{ "poll_pidfd", open_nothing, ready_child, call_poll_pidfd,
	  .wake = wake_child, .want = 1 },
	{ "ppoll", open_event, NULL, call_ppoll, .want = 0 },
	{ "select", open_event, NULL, call_select, .want = 0 },
	{ "select_infinite", open_event, NULL, call_select_infinite,
	  .wake = wake_event, .want = 1 },
	{ "select_readonly", open_readonly, NULL, call_select_readonly,
	  .want = 0 },
	{ "pselect", open_event, NULL, call_pselect, .want = 0 },
	{ "pselect_readonly", open_readonly, NULL, call_pselect_readonly,
	  .want = 0 },
	{ "epoll_wait", open_event, NULL, call_epoll_wait, .want = 0 },
	{ "epoll_wait_infinite", open_event, NULL, call_epoll_wait_infinite,
	  .wake = wake_event, .want = 1 },
	{ "epoll_pwait", open_event, NULL, call_epoll_pwait, .want = 0 },
	{ "epoll_pwait2", open_event, NULL, call_epoll_pwait2, .want = 0 },
	{ "epoll_pwait2_infinite", open_event, NULL,
	  call_epoll_pwait2_infinite, .wake = wake_event, .want = 1 },
	{ "futex", open_nothing, ready_futex, call_futex, .want = -1,
	  .want_errno = ETIMEDOUT },
	{ "futex_infinite", open_nothing, ready_futex, call_futex_infinite,
	  .wake = wake_futex },
	{ "futex_absolute", open_nothing, ready_futex, call_futex_absolute,
	  .want = -1, .want_errno = ETIMEDOUT },
	{ "futex_waitv", open_nothing, ready_futex, call_futex_waitv,
	  .want = -1, .want_errno = ETIMEDOUT },
	{ "wait4", open_nothing, ready_child, call_wait4, .wake = wake_child,
	  .want = 1 },
	{ "waitid", open_nothing, ready_child, call_waitid, .wake = wake_child,
	  .want = 0 },
	{ .name = NULL },
};
