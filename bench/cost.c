/* SPDX-License-Identifier: MIT */
/*
 * cost.c - run a command: how long, how much CPU, how much memory at most.
 *
 *	cost COMMAND [ARG...]	prints "seconds CPU-seconds MiB" on stderr
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

static double seconds_of(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	int64_t start = clock_now_ns(), end;
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 1;
	end = clock_now_ns();
	fprintf(stderr, "%.3f %.3f %.1f\n", (double)(end - start) / 1e9,
		seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime),
		(double)usage.ru_maxrss / 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
