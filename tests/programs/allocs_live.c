/* SPDX-License-Identifier: MIT */
/*
 * allocs_live.c - threads that free each other's objects; what stays is told.
 *
 *	allocs_live THREADS ROUNDS SEED	threads make THREADS times ROUNDS
 *		objects of 24, 200, 3000 or 40000 bytes, at live_SIZE(), put
 *		each into one of 20,000 boxes, and free what was in there. One
 *		of a hundred bytes leaks, at live_leaked(). Prints "SITE SIZE
 *		COUNT" of what is live.
 *
 * They all end at the same moment, so that boxes are emptied as fast in the
 * last tenth of the run as before: of what is in them exp(-THREADS ROUNDS /
 * 200000) is older than that.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_BOXES 20000
#define N_THREADS_MAX 16
#define LEAKED_SIZE 1000
#define PAUSE_EVERY 16 /* rounds: who reads the samples needs time */
#define PAUSE_US 100

#define SITE static __attribute__((noinline)) void *

enum { N_SITES = 4 };

struct object {
	uint32_t site;
};

static const size_t sizes[N_SITES] = { 24, 200, 3000, 40000 };
static _Atomic(struct object *) boxes[N_BOXES];
static atomic_long n_live[N_SITES], n_leaked;
static void *_Atomic leaked;
static atomic_long n_rounds_left;

/* So that no site ends in a jump to malloc. */
static void *made(void *p)
{
	__asm__ volatile("" : "+r"(p));
	return p;
}

SITE live_24(void)
{
	return made(malloc(sizes[0]));
}

SITE live_200(void)
{
	return made(calloc(1, sizes[1]));
}

SITE live_3000(void)
{
	return made(realloc(malloc(16), sizes[2]));
}

SITE live_40000(void)
{
	return made(aligned_alloc(64, sizes[3]));
}

SITE live_leaked(void)
{
	n_leaked++;
	return made(malloc(LEAKED_SIZE));
}

static unsigned int next(unsigned int *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static int choose_site(unsigned int percent)
{
	return percent < 50 ? 0 : percent < 80 ? 1 : percent < 99 ? 2 : 3;
}

static void *run(void *arg)
{
	static void *(*const make[N_SITES])(void) = { live_24, live_200,
						      live_3000, live_40000 };
	unsigned int x = *(unsigned int *)arg;

	for (unsigned int i = 0; n_rounds_left-- > 0; i++) {
		int site = choose_site(next(&x) % 100);
		struct object *o = make[site](), *old;

		o->site = (uint32_t)site;
		n_live[site]++;
		old = atomic_exchange(&boxes[next(&x) % N_BOXES], o);
		if (old)
			n_live[old->site]--;
		free(old);
		if (i % PAUSE_EVERY == 0)
			usleep(PAUSE_US);
		if (i % 96 == 0) /* a round makes 1042 bytes */
			leaked = live_leaked();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seeds[N_THREADS_MAX];
	pthread_t threads[N_THREADS_MAX];
	int n = argc == 4 ? atoi(argv[1]) : 0;

	if (n < 1 || n > N_THREADS_MAX)
		return 2;
	n_rounds_left = (long)n * atoi(argv[2]);
	for (int i = 0; i < n; i++) {
		seeds[i] = (unsigned int)(atoi(argv[3]) * 100 + i);
		pthread_create(&threads[i], NULL, run, &seeds[i]);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < N_SITES; i++)
		printf("live_%zu %zu %ld\n", sizes[i], sizes[i], n_live[i]);
	printf("live_leaked %d %ld\n", LEAKED_SIZE, n_leaked);
	return 0;
}
