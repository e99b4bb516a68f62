/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - what a program of many busy threads gets done.
 *
 *	crowd SECONDS [THREADS]		8 threads if not given
 *
 * "ready", and SECONDS later "work N": how many rounds of a loop, 20 calls
 * deep, all threads together did in that time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 256, DEPTH = 20, ROUND = 2000 };

static _Atomic int is_over;

static uint64_t work(void)
{
	uint64_t n = 0, x = 1;

	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		for (int i = 0; i < ROUND; i++)
			x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x));
		n++;
	}
	return n;
}

/* The volatile makes each level a call of its own and none of them a jump. */
__attribute__((noinline)) static uint64_t descend(int depth)
{
	volatile int level = depth;

	return level > 0 ? descend(depth - 1) : work();
}

static void *thread_main(void *arg)
{
	*(uint64_t *)arg = descend(DEPTH);
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	int n = argc > 2 ? atoi(argv[2]) : 8;
	pthread_t threads[MAX_THREADS];
	uint64_t done[MAX_THREADS] = { 0 }, sum = 0;

	if (n < 1 || n > MAX_THREADS)
		return 2;
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, thread_main, &done[i]))
			return 1;
	puts("ready");
	fflush(stdout);
	usleep((useconds_t)(seconds * 1e6));
	atomic_store(&is_over, 1);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		sum += done[i];
	}
	printf("work %llu\n", (unsigned long long)sum);
	return 0;
}
