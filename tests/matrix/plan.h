/* SPDX-License-Identifier: MIT */
/*
 * plan.h - what every C and C++ target of the matrix does: main calls run,
 * run spends 60 % of the time in f and 40 % in g, each of which has all of
 * its work inlined; beside that a thread waits: waiter, wait_here, read.
 *
 * The truth is in the text: a line that ends in a comment with @NAME may be
 * the line of frame NAME; "@run:f" is the line of run while it calls f.
 */
#ifndef TESTS_MATRIX_PLAN_H
#define TESTS_MATRIX_PLAN_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that stays one of its own under any optimization. */
#ifdef __clang__
#define KEEP __attribute__((noinline, used))
#else
#define KEEP __attribute__((noinline, noclone, used))
#endif
#define INNER static inline __attribute__((always_inline, unused))

/* Nothing may become a tail call where the plan counts on a frame. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

#define MULTIPLIER 6364136223846793005u
enum { F_STEPS = 60000, G_STEPS = 40000 };

uint64_t f(uint64_t n);
uint64_t g(uint64_t n);
uint64_t run(double seconds);
void *waiter(void *fd);
int wait_here(int fd);

INNER uint64_t f_inner(uint64_t n)
{
	uint64_t x = n;

	while (n--) {						/* @f_inner */
		x = x * MULTIPLIER + 1442695040888963407u;	/* @f_inner */
		__asm__ volatile("" : "+r"(x));			/* @f_inner */
	}
	return x;
}

INNER uint64_t g_inner(uint64_t n)
{
	uint64_t x = n;

	while (n--) {						/* @g_inner */
		x = x * MULTIPLIER + 3037000493u;		/* @g_inner */
		__asm__ volatile("" : "+r"(x));			/* @g_inner */
	}
	return x;
}

/*
 * Its own time: as much of it, and as many samples, on a busy machine. That
 * takes a system call, so it is asked for in one of 16 rounds.
 */
INNER double now(void)
{
	static struct timespec t;
	static unsigned n_calls;

	if (n_calls++ % 16 == 0)
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#ifndef PLAN_OWN_LEAVES
KEEP uint64_t f(uint64_t n)
{
	return f_inner(n) + 1;					/* @f */
}

KEEP uint64_t g(uint64_t n)
{
	return g_inner(n) + 2;					/* @g */
}
#endif

#ifndef PLAN_OWN_RUN
KEEP uint64_t run(double seconds)
{
	double end = now() + seconds;
	uint64_t sum = 0;

	while (now() < end) {
		sum += f(F_STEPS);				/* @run:f */
		sum += g(G_STEPS);				/* @run:g */
	}
	return sum;
}
#endif

/* --- the thread that waits ------------------------------------------ */

#ifdef PLAN_OWN_SYSCALL
/* As in a libc that is built with frame pointers: the innermost frame of a
 * blocked thread is not to be left without its rbp. */
KEEP int wait_here(int fd)
{
	long result;
	char byte;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(0l), "D"((long)fd), "S"(&byte), "d"(1l)
			 : "rcx", "r11", "memory");
	return (int)result;
}
#else
KEEP int wait_here(int fd)
{
	char byte;
	int n = (int)read(fd, &byte, 1);

	NO_TAIL_CALL();
	return n;
}
#endif

KEEP void *waiter(void *fd)
{
	int n = wait_here(*(int *)fd);

	NO_TAIL_CALL();
	return n ? NULL : fd;
}

struct plan {
	pthread_t thread;
	int fds[2];
};

INNER void plan_start(struct plan *plan)
{
	if (pipe(plan->fds) ||
	    pthread_create(&plan->thread, NULL, waiter, &plan->fds[0]))
		exit(1);
}

INNER void plan_end(struct plan *plan)
{
	close(plan->fds[1]);
	pthread_join(plan->thread, NULL);
}

INNER double plan_seconds(int argc, char **argv)
{
	return argc > 1 ? atof(argv[1]) : 1;
}

/* What main does, in main itself: @work takes the seconds. */
INNER int plan_main(int argc, char **argv, uint64_t (*work)(double))
{
	struct plan plan;
	uint64_t sum;

	plan_start(&plan);
	sum = work(plan_seconds(argc, argv));
	plan_end(&plan);
	return sum == 42;
}

#ifdef __cplusplus
}
#endif

#endif
