/* SPDX-License-Identifier: MIT */
/*
 * stopcont.c - show progress while others stop and start it: stopcont N.
 *
 * N threads (2) burn in ticking_hot; the main thread prints "tick K" every
 * 50 ms, K being the milliseconds of CPU used so far, until it is killed or
 * 60 s are over. A stopped program prints nothing and uses nothing. SIGUSR1
 * prints "usr1": it must come once for each one sent.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "work.h"

WORK uint64_t ticking_hot(uint64_t n)
{
	return spin(n, 71);
}

static void *burn_forever(void *arg)
{
	for (;;)
		burn_ms(ticking_hot, 1000);
	return arg;
}

static void print_usr1(int signal)
{
	(void)signal;
	if (write(STDOUT_FILENO, "usr1\n", 5) != 5)
		_exit(1);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 2;
	struct sigaction action = { .sa_handler = print_usr1,
				    .sa_flags = SA_RESTART };
	struct timespec pause_time = { .tv_nsec = 50000000 };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < n; i++)
		pthread_create(&thread, NULL, burn_forever, NULL);
	for (int i = 0; i < 60 * 20; i++) {
		printf("tick %lu\n",
		       clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1000000);
		fflush(stdout);
		nanosleep(&pause_time, NULL);
	}
	return 0;
}
