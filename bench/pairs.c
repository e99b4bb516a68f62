/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - what a pair of malloc(3) and free(3) takes, again and again.
 *
 *	pairs ROUNDS	two numbers each, ns per pair: 64 bytes at once freed;
 *		16 to 1039 bytes, 1,024 of which are in use
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_HOT 4000000
#define N_MIXED 2000000

static void *volatile sink;
static void *live[1024];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	unsigned int x = 1;

	while (rounds--) {
		double begin = now_ns(), middle;

		for (int i = 0; i < N_HOT; i++) {
			sink = malloc(64);
			free(sink);
		}
		middle = now_ns();
		for (int i = 0; i < N_MIXED; i++) {
			unsigned int at;

			x = x * 1664525 + 1013904223;
			at = x >> 22;
			free(live[at]);
			live[at] = malloc(16 + (x >> 8) % 1024);
		}
		printf("%.2f %.2f\n", (middle - begin) / N_HOT,
		       (now_ns() - middle) / N_MIXED);
		fflush(stdout);
	}
	return 0;
}
