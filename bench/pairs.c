/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - what a pair of malloc(3) and free(3) takes, again and again.
 *
 *	pairs ROUNDS	two numbers each, ns per pair: 64 bytes at once freed;
 *		16 to 1039 bytes, 1,024 of which are in use
 *
 * A round is some milliseconds, so that many of them are not disturbed by
 * others, and at 1,000 samples a second each has its share. Where the loops
 * lie in a cache line makes as much difference as what is measured: -DPAD=32
 * moves them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef PAD
#define PAD 16
#endif
#define N_HOT 800000
#define N_MIXED 400000
#define TEXT(n) #n
#define SKIP(n) __asm__ volatile(".p2align 6\n\t.skip " TEXT(n) ", 0x90")

static void *volatile sink;
static void *live[1024];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static __attribute__((noinline)) void run_hot(void)
{
	SKIP(PAD);
	for (int i = 0; i < N_HOT; i++) {
		sink = malloc(64);
		free(sink);
	}
}

static __attribute__((noinline)) void run_mixed(void)
{
	static unsigned int x = 1;

	SKIP(PAD);
	for (int i = 0; i < N_MIXED; i++) {
		unsigned int at;

		x = x * 1664525 + 1013904223;
		at = x >> 22;
		free(live[at]);
		live[at] = malloc(16 + (x >> 8) % 1024);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20;

	while (rounds--) {
		double begin = now_ns(), middle;

		run_hot();
		middle = now_ns();
		run_mixed();
		printf("%.2f %.2f\n", (middle - begin) / N_HOT,
		       (now_ns() - middle) / N_MIXED);
		fflush(stdout);
	}
	return 0;
}
