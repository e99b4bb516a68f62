/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - what a program of many busy threads gets done, in turns with and
 * without a profiler.
 *
 *	crowd THREADS TURNS FIFO ON OFF
 *
 * "ready", and when the FIFO has a reader, each second in turn ON or OFF is
 * written to it. At the end "loss P" for each pair of turns: percent of the
 * work without a profiler that was not done with one. The first tenth of each
 * turn does not count, and who comes first changes from pair to pair.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256, DEPTH = 20, ROUND = 2000, TURN_MS = 1000,
       SETTLE_MS = 100 };

struct worker {
	_Atomic uint64_t rounds;
	char pad[120]; /* a cache line of its own, and its neighbour */
};

static struct worker workers[MAX_THREADS];
static int n_workers;
static _Atomic int is_over;

static void work(struct worker *worker)
{
	uint64_t x = 1, n = 0;

	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		for (int i = 0; i < ROUND; i++)
			x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x));
		atomic_store_explicit(&worker->rounds, ++n,
				      memory_order_relaxed);
	}
}

/* The volatile makes each level a call of its own and none of them a jump. */
__attribute__((noinline)) static void descend(int depth, void *worker)
{
	volatile int level = depth;

	if (level > 0)
		descend(depth - 1, worker);
	else
		work(worker);
}

static void *thread_main(void *arg)
{
	descend(DEPTH, arg);
	return NULL;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 },
		  NULL);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double rounds_done(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < n_workers; i++)
		sum += atomic_load_explicit(&workers[i].rounds,
					    memory_order_relaxed);
	return (double)sum;
}

/* Rounds a second while the profiler does what @word says. */
static double measure(int fifo, const char *word)
{
	double from_s, from;

	if (write(fifo, word, strlen(word)) < 0 || write(fifo, "\n", 1) < 0)
		exit(1);
	sleep_ms(SETTLE_MS);
	from_s = now_s();
	from = rounds_done();
	sleep_ms(TURN_MS - SETTLE_MS);
	return (rounds_done() - from) / (now_s() - from_s);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int turns, fifo;

	if (argc != 6)
		return 2;
	n_workers = atoi(argv[1]);
	turns = atoi(argv[2]);
	if (n_workers < 1 || n_workers > MAX_THREADS)
		return 2;
	for (int i = 0; i < n_workers; i++)
		if (pthread_create(&thread, NULL, thread_main, &workers[i]))
			return 1;
	puts("ready");
	fflush(stdout);
	fifo = open(argv[3], O_WRONLY | O_CLOEXEC);
	if (fifo < 0)
		return 1;
	sleep_ms(TURN_MS); /* whatever it does at first */
	for (int i = 0; i < turns; i++) {
		double first = measure(fifo, argv[4 + i % 2]);
		double second = measure(fifo, argv[5 - i % 2]);
		double on = i % 2 ? second : first;
		double off = i % 2 ? first : second;

		printf("loss %.3f\n", 100 * (off - on) / off);
	}
	atomic_store(&is_over, 1);
	return 0;
}
