/* SPDX-License-Identifier: MIT */
/*
 * work.h - f, g and the calibrated unit of work that test targets count.
 *
 * One iteration is a chain of dependent multiplications: its cost is a
 * latency, so it hardly moves with the neighbours on the core. f and g do the
 * same work with other constants, so that no compiler folds them into one.
 * Every iteration ever run, those of the calibration too, is counted: the
 * truth of a function is iterations x cost over the CPU time of the process,
 * and no clock has to be read where the work is done (that would end the time
 * slice and hide what a sampler gets wrong).
 */
#ifndef TESTS_WORK_H
#define TESTS_WORK_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* A function that stays one of its own under any optimization. */
#ifdef __clang__
#define WORK __attribute__((noinline, unused)) static
#else
#define WORK __attribute__((noinline, noclone, unused)) static
#endif

enum { CALIBRATION_BLOCKS = 5, CALIBRATION_ITERATIONS = 6000000 };

static inline uint64_t spin(uint64_t n, uint64_t k)
{
	uint64_t x = k;

	while (n--) {
		x = x * 6364136223846793005u + k;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

WORK uint64_t f(uint64_t n)
{
	return spin(n, 1442695040888963407u);
}

WORK uint64_t g(uint64_t n)
{
	return spin(n, 3037000493u);
}

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Costs of single iterations, and what it took to find them out. f and g run
 * the same instructions, so they share one cost: the median of all blocks. */
struct calibration {
	double cost_ns[4 * CALIBRATION_BLOCKS];
	int n_costs;
	uint64_t n_f, n_g;
};

WORK double calibration_cost(struct calibration *c)
{
	qsort(c->cost_ns, (size_t)c->n_costs, sizeof(double), double_compare);
	return c->cost_ns[c->n_costs / 2];
}

static inline void calibrate_block(struct calibration *c,
				   uint64_t (*fn)(uint64_t), uint64_t *n_used)
{
	uint64_t t = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	volatile uint64_t sink = fn(CALIBRATION_ITERATIONS);

	(void)sink;
	t = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - t;
	c->cost_ns[c->n_costs++] = (double)t / CALIBRATION_ITERATIONS;
	*n_used += CALIBRATION_ITERATIONS;
}

/* At most twice: before and after the measured part. */
WORK double calibrate(struct calibration *c)
{
	for (int i = 0; i < CALIBRATION_BLOCKS; i++) {
		calibrate_block(c, f, &c->n_f);
		calibrate_block(c, g, &c->n_g);
	}
	return calibration_cost(c);
}

/* Spend @ms of this thread's CPU in @fn, roughly: for targets whose truth is
 * that only @fn is hot, not how much of it there was. */
static inline uint64_t burn_ms(uint64_t (*fn)(uint64_t), unsigned ms)
{
	uint64_t end = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + ms * 1000000ull;
	uint64_t x = 0;

	while (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		x += fn(100000);
	return x;
}

#endif
