/* SPDX-License-Identifier: MIT */
/*
 * exec_chain.c - a program that becomes itself: exec_chain leader|thread N MS.
 *
 * Burns MS of CPU in before_exec, then executes itself, N times in all, and
 * at last burns 3 MS in after_exec and exits with 6. "thread" makes the call
 * from a thread that is not the leader, while two others sleep and spin: the
 * kernel ends them and gives the caller the leader's id. Must show before_exec
 * and after_exec, N + 3 parts in all, in one process.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "work.h"

WORK uint64_t before_exec(uint64_t n)
{
	return spin(n, 43);
}

WORK uint64_t after_exec(uint64_t n)
{
	return spin(n, 47);
}

static void *exec_next(void *arg)
{
	char **argv = arg;

	execv("/proc/self/exe", argv);
	perror("execv");
	_exit(99);
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *exec_after_burn(void *arg)
{
	char **argv = arg;

	burn_ms(before_exec, (unsigned)atoi(argv[3]));
	return exec_next(argv);
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[2]) : -1;
	char count[16];
	pthread_t thread;

	if (n < 0) {
		fputs("usage: exec_chain leader|thread N MS\n", stderr);
		return 2;
	}
	if (n == 0) {
		burn_ms(after_exec, 3 * (unsigned)atoi(argv[3]));
		return 6;
	}
	snprintf(count, sizeof(count), "%d", n - 1);
	argv[2] = count;
	if (strcmp(argv[1], "leader") == 0)
		exec_after_burn(argv);
	pthread_create(&thread, NULL, sleep_forever, NULL);
	pthread_create(&thread, NULL, exec_after_burn, argv);
	pthread_join(thread, NULL);
	return 99;
}
