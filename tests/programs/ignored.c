/* SPDX-License-Identifier: MIT */
/*
 * ignored.c - signals that are ignored interrupt nothing: ignored SECONDS.
 *
 * A child sends SIGURG and SIGWINCH, which do nothing by default, and SIGPIPE,
 * which is ignored here, every millisecond; the parent waits for 20 ms at a
 * time: in epoll_wait for a timerfd, in rt_sigtimedwait for a SIGALRM, in poll
 * with a timeout. Alone, no call notices. Prints "ready", then "calls N eintr
 * E early L", and exits with 0 only if E and L are 0.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

enum { WAIT_MS = 20, N_KINDS = 3 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void send_all(void)
{
	static const int signals[] = { SIGURG, SIGWINCH, SIGPIPE };
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned i = 0; getppid() == parent; i++) {
		kill(parent, signals[i % 3]);
		usleep(1000);
	}
	_exit(0);
}

static int wait_once(unsigned kind, int epoll, int timer)
{
	struct itimerspec after = { .it_value.tv_nsec = WAIT_MS * 1000000l };
	struct itimerval alarm_after = { .it_value.tv_usec = WAIT_MS * 1000 };
	struct epoll_event event;
	sigset_t set;

	switch (kind) {
	case 0:
		timerfd_settime(timer, 0, &after, NULL);
		return epoll_wait(epoll, &event, 1, -1);
	case 1:
		sigemptyset(&set);
		sigaddset(&set, SIGALRM);
		setitimer(ITIMER_REAL, &alarm_after, NULL);
		return sigwaitinfo(&set, NULL);
	default:
		return poll(NULL, 0, WAIT_MS);
	}
}

int main(int argc, char **argv)
{
	int64_t end_ms = now_ms() + 1000 * (argc > 1 ? atoi(argv[1]) : 2);
	int epoll = epoll_create1(0);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t alarm_only;
	unsigned n_calls = 0, n_eintr = 0, n_early = 0;
	pid_t sender;

	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm_only, NULL);
	signal(SIGPIPE, SIG_IGN);
	sender = fork();
	if (sender == 0)
		send_all();
	puts("ready");
	fflush(stdout);
	while (now_ms() < end_ms) {
		int64_t start = now_ms();
		int result = wait_once(n_calls % N_KINDS, epoll, timer);

		n_calls++;
		if (result < 0 && errno == EINTR)
			n_eintr++;
		else if (now_ms() - start < WAIT_MS - 1)
			n_early++;
	}
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	printf("calls %u eintr %u early %u\n", n_calls, n_eintr, n_early);
	return n_eintr || n_early;
}
