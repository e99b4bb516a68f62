/* SPDX-License-Identifier: MIT */
/*
 * allocs_static.c - allocates, and counts what it asks for itself.
 *
 *	allocs_static calls N	N calls of malloc's family, with the cases
 *		in which one of its functions calls another; says "asked
 *		BYTES"
 *	allocs_static threads N SECONDS	the same in N threads, with signals
 *		all the time; says "ready", ends after SECONDS or at SIGTERM
 *	allocs_static vfork SECONDS	has a child that sleeps by vfork(2),
 *		which one of two threads waits for; says "ready" meanwhile
 *
 * To be linked statically: a preloaded counter would not see it.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SITE __attribute__((noinline)) static void *
#define LIVE 64

static __thread uint64_t asked, random_state;
static uint64_t asked_by_all;
static volatile sig_atomic_t is_over, n_signals;

static void *used(void *p, size_t n)
{
	if (!p)
		abort();
	memset(p, 1, n);
	return p;
}

SITE site_plain(size_t n)
{
	asked += n;
	return used(malloc(n), n);
}

SITE site_cleared(size_t n)
{
	asked += 3 * n;
	return used(calloc(3, n), 3 * n);
}

SITE site_grown(void *p, size_t n) /* NULL: it is malloc() then */
{
	asked += n;
	return used(realloc(p, n), n);
}

SITE site_posix(size_t alignment, size_t n)
{
	void *p = NULL;

	asked += n;
	return used(posix_memalign(&p, alignment, n) ? NULL : p, n);
}

SITE site_aligned(size_t alignment, size_t n)
{
	asked += n;
	return used(aligned_alloc(alignment, n), n);
}

SITE site_memalign(size_t alignment, size_t n)
{
	asked += n;
	return used(memalign(alignment, n), n);
}

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 32;
}

static void *allocate(void *old, size_t n)
{
	uint64_t kind = draw() % 8, odd = draw() % 2;

	if (kind == 0)
		return site_grown(old, n);
	free(old);
	switch (kind) {
	case 1:
		return site_grown(NULL, n);
	case 2:
		return site_cleared(n);
	case 3: /* what malloc() aligns to, and more */
		return site_posix(odd ? 8 : 64, n);
	case 4:
		return site_aligned(odd ? 16 : 256, n * 16);
	case 5:
		return site_memalign(odd ? 8 : 128, n);
	default:
		return site_plain(n);
	}
}

static void make_calls(long n, uint64_t seed)
{
	void *live[LIVE] = { NULL };

	random_state = seed * 2654435761u + 88172645463325252u;
	for (long i = 0; i < n && !is_over; i++) {
		void **place = &live[draw() % LIVE];

		*place = allocate(*place, draw() % 2000 + 1);
	}
	for (int i = 0; i < LIVE; i++)
		free(live[i]);
	__atomic_add_fetch(&asked_by_all, asked, __ATOMIC_RELAXED);
}

static void *run_thread(void *arg)
{
	make_calls(1L << 40, (uint64_t)(uintptr_t)arg);
	return NULL;
}

static void on_signal(int signal)
{
	n_signals = n_signals + 1;
	if (signal == SIGTERM)
		is_over = 1;
}

static void run_threads(int n, double seconds)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } };
	struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct timespec moment = { 0, 1000000 }, now, start;
	pthread_t threads[16];

	signal(SIGALRM, on_signal);
	signal(SIGTERM, on_signal);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, run_thread,
			       (void *)(uintptr_t)(i + 1));
	setitimer(ITIMER_REAL, &often, NULL);
	puts("ready");
	fflush(stdout);
	do {
		nanosleep(&moment, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!is_over &&
		 (double)(now.tv_sec - start.tv_sec) +
				 (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
			 seconds);
	is_over = 1;
	setitimer(ITIMER_REAL, &never, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void *sleep_on(void *arg)
{
	for (;;)
		sleep(1);
	return arg;
}

static int wait_for_child(const char *seconds)
{
	pthread_t thread;
	struct timespec time = { atoi(seconds), 0 };
	static const char ready[] = "ready\n";

	pthread_create(&thread, NULL, sleep_on, NULL);
	if (vfork() == 0) {
		if (write(1, ready, sizeof(ready) - 1) < 0)
			_exit(1);
		nanosleep(&time, NULL);
		_exit(0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "calls"))
		make_calls(atol(argv[2]), 1);
	else if (argc == 4 && !strcmp(argv[1], "threads") &&
		 atoi(argv[2]) <= 16)
		run_threads(atoi(argv[2]), atof(argv[3]));
	else if (argc == 3 && !strcmp(argv[1], "vfork"))
		return wait_for_child(argv[2]);
	else
		return 2;
	printf("asked %llu\n", (unsigned long long)asked_by_all);
	return 0;
}
