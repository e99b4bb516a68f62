/* SPDX-License-Identifier: MIT */
/*
 * calls_signal.c - signals that are meant: who waits for one gets it, and a
 * handler interrupts what it interrupts with nobody watching.
 */
#include "calls.h"

#include <poll.h>
#include <sys/epoll.h>

static void do_nothing(int signal)
{
	(void)signal;
}

static int handle(int flags)
{
	struct sigaction action = { .sa_handler = do_nothing,
				    .sa_flags = flags };

	return sigaction(SIGUSR1, &action, NULL);
}

static int open_handler(struct scene *s)
{
	return pipe(s->fd) || handle(0) ? -1 : 0;
}

static int open_restarting(struct scene *s)
{
	return pipe(s->fd) || handle(SA_RESTART) ? -1 : 0;
}

/* Again, should the first one have come before the call. */
static void wake_signal(struct scene *s)
{
	struct timespec ms = { .tv_nsec = NS_PER_MS };
	unsigned n_back = s->n_back;

	for (unsigned i = 0; s->n_back == n_back; i++) {
		if (i >= WAIT_MS)
			s->is_resent = true;
		if (i % WAIT_MS == 0)
			pthread_kill(s->caller, SIGUSR1);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
	}
}

static void wake_signal_then_pipe(struct scene *s)
{
	pthread_kill(s->caller, SIGUSR1);
	clock_nanosleep(CLOCK_MONOTONIC, 0,
			&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
	put_byte(s->fd[1]);
}

static long call_pause(struct scene *s)
{
	(void)s;
	return pause();
}

static long call_sigsuspend(struct scene *s)
{
	sigset_t none;

	(void)s;
	sigemptyset(&none);
	return sigsuspend(&none);
}

static long call_read(struct scene *s)
{
	char byte;

	return read(s->fd[0], &byte, 1);
}

static long call_nanosleep(struct scene *s)
{
	struct timespec t = { .tv_sec = 1 }, left = { 0 };
	uint64_t start_ns = clock_read_ns(CLOCK_MONOTONIC);
	long result = nanosleep(&t, &left);
	uint64_t end_ns = clock_read_ns(CLOCK_MONOTONIC);
	uint64_t left_ns = (uint64_t)left.tv_sec * 1000000000 +
			   (uint64_t)left.tv_nsec; /* 1 s and some slack */

	(void)s;
	if (result == -1 && (left_ns == 0 || /* what is left must be right */
			     end_ns - start_ns + left_ns < 1000000000))
		return WRONG_DATA;
	return result;
}

static long call_poll(struct scene *s)
{
	(void)s;
	return poll(NULL, 0, 1000);
}

static int open_epoll(struct scene *s)
{
	s->fd[1] = epoll_create1(0);
	return handle(SA_RESTART);
}

static long call_epoll(struct scene *s)
{
	struct epoll_event event;

	return epoll_wait(s->fd[1], &event, 1, 1000);
}

static long call_sleep(struct scene *s)
{
	(void)s;
	errno = 0;
	return sleep(2);
}

static int open_blocked(struct scene *s)
{
	sigset_t set;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static long wait_signal(const struct timespec *t)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return t != NULL ? sigtimedwait(&set, &info, t)
			 : sigwaitinfo(&set, &info);
}

static long call_sigtimedwait(struct scene *s)
{
	struct timespec t = timespec_wait();

	(void)s;
	return wait_signal(&t);
}

static long call_sigwaitinfo(struct scene *s)
{
	(void)s;
	return wait_signal(NULL);
}

static long call_sigwait(struct scene *s)
{
	sigset_t set;
	int signal = 0;

	(void)s;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	errno = sigwait(&set, &signal);
	return errno ? -1 : signal;
}

const struct call_case calls_signal[] = {
	{ "pause", open_handler, NULL, call_pause, .wake = wake_signal,
	  .want = -1, .want_errno = EINTR },
	{ "sigsuspend", open_handler, NULL, call_sigsuspend,
	  .wake = wake_signal, .want = -1, .want_errno = EINTR },
	{ "sigtimedwait", open_blocked, NULL, call_sigtimedwait, .want = -1,
	  .want_errno = EAGAIN },
	{ "sigwaitinfo", open_blocked, NULL, call_sigwaitinfo,
	  .wake = wake_signal, .want = SIGUSR1 },
	{ "sigwait", open_blocked, NULL, call_sigwait, .wake = wake_signal,
	  .want = SIGUSR1 },
	{ "handler_read", open_handler, NULL, call_read, .wake = wake_signal,
	  .want = -1, .want_errno = EINTR },
	{ "handler_restarts", open_restarting, NULL, call_read,
	  .wake = wake_signal_then_pipe, .want = 1 },
	{ "handler_nanosleep", open_handler, NULL, call_nanosleep,
	  .wake = wake_signal, .want = -1, .want_errno = EINTR },
	{ "handler_poll", open_restarting, NULL, call_poll,
	  .wake = wake_signal, .want = -1, .want_errno = EINTR },
	{ "handler_epoll", open_epoll, NULL, call_epoll, .wake = wake_signal,
	  .want = -1, .want_errno = EINTR },
	{ "handler_sleep", open_handler, NULL, call_sleep, .wake = wake_signal,
	  .want = 1 },
	{ .name = NULL },
};
