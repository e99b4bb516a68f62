/* SPDX-License-Identifier: MIT */
/*
 * stopper.c - stop a process again and again, for nothing: what any profiler
 * that uses ptrace(2) must cost.
 *
 *	stopper PID HZ SECONDS
 *
 * PTRACE_INTERRUPT, a wait, PTRACE_CONT, and no more. Prints how often.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

int main(int argc, char **argv)
{
	pid_t pid = argc == 4 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	int64_t end_ns, period_ns;
	unsigned int n = 0;
	int status;

	if (!pid)
		return 2;
	period_ns = (int64_t)(1e9 / strtod(argv[2], NULL));
	end_ns = clock_now_ns() + (int64_t)(1e9 * strtod(argv[3], NULL));
	if (ptrace(PTRACE_SEIZE, pid, 0L, 0L)) {
		perror("stopper");
		return 1;
	}
	while (clock_now_ns() < end_ns) {
		usleep((useconds_t)(period_ns / 1000));
		if (ptrace(PTRACE_INTERRUPT, pid, 0L, 0L) ||
		    waitpid(pid, &status, __WALL) != pid ||
		    !WIFSTOPPED(status))
			break;
		/* The process's own signals are for it. */
		ptrace(PTRACE_CONT, pid, 0L,
		       (long)(status >> 16 ? 0 : WSTOPSIG(status)));
		n++;
	}
	printf("%u stops\n", n);
	return 0;
}
