/* SPDX-License-Identifier: MIT */
/*
 * threads.c - four named threads with a hot function each: threads MS.
 *
 * Threads alpha, beta, gamma, delta burn 1, 2, 3 and 4 times MS of CPU in
 * hot_alpha .. hot_delta: 10 : 20 : 30 : 40 percent, each function in its own
 * thread only.
 */
#include <pthread.h>

#include "work.h"

struct part {
	const char *name;
	uint64_t (*hot)(uint64_t n);
	unsigned ms;
};

WORK uint64_t hot_alpha(uint64_t n)
{
	return spin(n, 11);
}

WORK uint64_t hot_beta(uint64_t n)
{
	return spin(n, 13);
}

WORK uint64_t hot_gamma(uint64_t n)
{
	return spin(n, 17);
}

WORK uint64_t hot_delta(uint64_t n)
{
	return spin(n, 19);
}

static void *part_run(void *arg)
{
	struct part *part = arg;

	pthread_setname_np(pthread_self(), part->name);
	burn_ms(part->hot, part->ms);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned ms = argc > 1 ? (unsigned)atoi(argv[1]) : 500;
	struct part parts[] = {
		{ "alpha", hot_alpha, ms },
		{ "beta", hot_beta, 2 * ms },
		{ "gamma", hot_gamma, 3 * ms },
		{ "delta", hot_delta, 4 * ms },
	};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, part_run, &parts[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
