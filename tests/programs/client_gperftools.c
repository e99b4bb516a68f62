/* SPDX-License-Identifier: MIT */
/*
 * client_gperftools.c - a program written for gperftools, built by the test:
 * client_gperftools [signal|fork].
 *
 * It allocates 80 MB that it keeps, asks for a heap profile if one is being
 * taken, and works; "signal" toggles CPUPROFILESIGNAL=12 instead, and "fork"
 * runs itself once more.
 */
#include <gperftools/heap-profiler.h>
#include <gperftools/profiler.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

static void *volatile kept[20000]; /* else malloc is optimized away */

WORK void keep(int i)
{
	kept[i] = malloc(4096);
}

static void toggle(void)
{
	raise(SIGUSR2);
	burn_ms(f, 200);
	raise(SIGUSR2);
}

int main(int argc, char **argv)
{
	struct ProfilerState state;

	ProfilerRegisterThread();
	ProfilerGetCurrentState(&state);
	printf("cpu %d %s\nheap %d\n", state.enabled, state.profile_name,
	       IsHeapProfilerRunning());
	if (argc > 1 && !strcmp(argv[1], "signal")) {
		toggle();
		toggle();
		return 0;
	}
	for (int i = 0; i < 20000; i++)
		keep(i);
	HeapProfilerDump("all is kept");
	if (argc > 1 && !strcmp(argv[1], "fork")) {
		if (fork() == 0)
			execl(argv[0], argv[0], (char *)0);
		wait(NULL);
	}
	burn_ms(f, 300);
	ProfilerFlush();
	return 0;
}
