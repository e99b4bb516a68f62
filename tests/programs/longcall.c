/* SPDX-License-Identifier: MIT */
/*
 * longcall.c - work in the program and in long calls, each half of the time,
 * on a core that another process wants as well.
 *
 * A call that takes 5 ms loses the core once or more before it is over.
 * At the end: how much of its CPU time, in per cent, were the calls.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAP_BYTES (16ul << 20)

static long long cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void take_core(void)
{
	cpu_set_t allowed, one;
	int cpu = 0;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Not profiled: its maker is, without its children. */
static pid_t begin_rival(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (volatile unsigned n = 0;; n++)
		;
}

__attribute__((noinline)) static void in_program(long long ns)
{
	long long end_ns = cpu_ns() + ns;

	while (cpu_ns() < end_ns)
		for (volatile int i = 0; i < 20000; i++)
			;
}

__attribute__((noinline)) static long long in_call(void)
{
	long long begin_ns = cpu_ns();
	void *map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (map == MAP_FAILED)
		exit(1);
	munmap(map, MAP_BYTES);
	return cpu_ns() - begin_ns;
}

int main(int argc, char **argv)
{
	long long total_ns = argc > 1 ? atoll(argv[1]) * 1000000 : 0;
	long long calls_ns = 0, all_ns, begin_ns;
	pid_t rival;

	take_core();
	rival = begin_rival();
	begin_ns = cpu_ns();
	do {
		long long ns = in_call();

		calls_ns += ns;
		in_program(ns);
		all_ns = cpu_ns() - begin_ns;
	} while (all_ns < total_ns);
	kill(rival, SIGKILL);
	printf("%.1f\n", 100 * (double)calls_ns / (double)all_ns);
	return 0;
}
