/* SPDX-License-Identifier: MIT */
/*
 * lateness.c - is anybody kept waiting: lateness KIND SECONDS [SLEEPERS]
 *
 * signal   a timer's signal every 2 ms, to a thread that waits for nothing
 *          else, next to one that is busy and SLEEPERS (0) that sleep
 * fork     children that end at once: from fork(2) to the end of wait(2)
 * work     children that need 30 ms of a core, likewise
 *
 * Prints "KIND done N late M worst_ms W" in the end, also when that is a
 * SIGTERM: M took 30 ms and more, or of those that work a second.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

enum { LATE_MS = 30, STEP_MS = 2, STACK_BYTES = 65536 };
enum { WORK_MS = 30, WORK_LATE_MS = 1000 };

static unsigned n_done, n_late, late_ms = LATE_MS, work_ms;
static uint64_t worst_ns;
static atomic_bool is_over;

static void note(uint64_t took_ns)
{
	n_done++;
	n_late += took_ns >= late_ms * UINT64_C(1000000);
	if (took_ns > worst_ns)
		worst_ns = took_ns;
}

static void ignore(int signal)
{
	(void)signal;
}

static void end(int signal)
{
	(void)signal;
	is_over = true;
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *be_busy(void *arg)
{
	while (!is_over)
		f(100000);
	return arg;
}

static void start(void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, run, NULL) != 0)
		_exit(99);
}

static void take_signals(uint64_t end_ns)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
		._sigev_un._tid = (pid_t)syscall(SYS_gettid),
	};
	sigset_t blocked, before;
	timer_t timer;

	signal(SIGUSR1, ignore);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		_exit(99);
	for (;;) {
		uint64_t due_ns = clock_read_ns(CLOCK_MONOTONIC) +
				  STEP_MS * 1000000u;
		struct itimerspec at = { .it_value = {
			.tv_sec = (time_t)(due_ns / 1000000000u),
			.tv_nsec = (long)(due_ns % 1000000000u),
		} };

		if (due_ns > end_ns)
			break;
		timer_settime(timer, TIMER_ABSTIME, &at, NULL);
		sigsuspend(&before); /* pause() might begin too late */
		note(clock_read_ns(CLOCK_MONOTONIC) - due_ns);
	}
	is_over = true;
}

static void be_child(void)
{
	while (clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) < work_ms * 1000000u)
		f(1000);
	_exit(0);
}

static void make_children(uint64_t end_ns)
{
	uint64_t begin_ns;

	while (!is_over &&
	       (begin_ns = clock_read_ns(CLOCK_MONOTONIC)) < end_ns) {
		pid_t pid = fork(), ended;

		if (pid == 0)
			be_child();
		do
			ended = waitpid(pid, NULL, 0);
		while (ended < 0 && errno == EINTR);
		if (pid < 0 || ended != pid)
			_exit(99);
		note(clock_read_ns(CLOCK_MONOTONIC) - begin_ns);
	}
}

int main(int argc, char **argv)
{
	uint64_t end_ns = clock_read_ns(CLOCK_MONOTONIC);
	int n_sleepers = argc > 3 ? atoi(argv[3]) : 0;

	if (argc < 3)
		return 2;
	end_ns += (uint64_t)(atof(argv[2]) * 1e9);
	signal(SIGTERM, end);
	if (strcmp(argv[1], "work") == 0) {
		late_ms = WORK_LATE_MS;
		work_ms = WORK_MS;
	}
	if (strcmp(argv[1], "signal") != 0) {
		make_children(end_ns);
	} else {
		for (int i = 0; i < n_sleepers; i++)
			start(sleep_for_ever);
		start(be_busy);
		take_signals(end_ns);
	}
	printf("%s done %u late %u worst_ms %.1f\n", argv[1], n_done, n_late,
	       (double)worst_ns / 1e6);
	fflush(stdout);
	_exit(0);
}
