/* SPDX-License-Identifier: MIT */
/*
 * gaps.c - measure the time stolen from a busy loop.
 *
 *	gaps SECONDS [DEPTH [GAP_NS]]
 *
 * The loop does nothing but read the time stamp counter, DEPTH calls deep (so
 * that unwinders have something to unwind; 30 when not given). Two readings
 * further apart than 0.5 us (GAP_NS) are a gap: an interrupt, a stop, another
 * program on the core. Those below 0.4 ms are summed once more by themselves:
 * a time slice given to another program is longer than that, a stop is not.
 * Prints "stolen_ns_per_s N", "stolen_percent P", "short_percent P",
 * "gaps_per_s N", "gap_p50_ns N", "gap_p99_ns N" and "gap_max_ns N".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

enum { GAP_NS = 500, SHORT_NS = 400000, MAX_GAPS = 1 << 20 };

struct meter {
	uint64_t gap_ticks;	/* shorter ones are the loop itself */
	uint64_t end;		/* time stamp */
	uint64_t short_ticks;
	uint64_t stolen, stolen_short, n_gaps;
	uint64_t *gaps;		/* the first MAX_GAPS, in ticks */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double ticks_per_ns(void)
{
	uint64_t ns = now_ns(), ticks = __rdtsc();

	while (now_ns() - ns < 100000000)
		;
	return (double)(__rdtsc() - ticks) / (double)(now_ns() - ns);
}

__attribute__((noinline)) static void measure(struct meter *m)
{
	uint64_t last = __rdtsc();

	while (last < m->end) {
		uint64_t now = __rdtsc(), gap = now - last;

		last = now;
		if (gap < m->gap_ticks)
			continue;
		m->stolen += gap;
		if (gap < m->short_ticks)
			m->stolen_short += gap;
		if (m->n_gaps < MAX_GAPS)
			m->gaps[m->n_gaps] = gap;
		m->n_gaps++;
	}
}

/* The volatile makes each level a call of its own and none of them a jump. */
__attribute__((noinline)) static void descend(struct meter *m, int depth)
{
	volatile int level = depth;

	if (level > 0)
		descend(m, level - 1);
	else
		measure(m);
	level++;
}

static int u64_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double gap_quantile_ns(const struct meter *m, double q, double per_ns)
{
	uint64_t n = m->n_gaps < MAX_GAPS ? m->n_gaps : MAX_GAPS;

	if (n == 0)
		return 0;
	return (double)m->gaps[(uint64_t)((double)(n - 1) * q)] / per_ns;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 3;
	double per_ns = ticks_per_ns();
	struct meter m = {
		.gap_ticks = (uint64_t)((argc > 3 ? atof(argv[3]) : GAP_NS) *
					per_ns),
		.short_ticks = (uint64_t)(SHORT_NS * per_ns),
		.gaps = calloc(MAX_GAPS, sizeof(uint64_t)),
	};

	/* No page fault may count as a gap. */
	for (size_t i = 0; i < MAX_GAPS; i++)
		m.gaps[i] = 1;
	puts("ready");
	fflush(stdout);
	m.end = __rdtsc() + (uint64_t)(seconds * 1e9 * per_ns);
	descend(&m, argc > 2 ? atoi(argv[2]) : 30);

	qsort(m.gaps, m.n_gaps < MAX_GAPS ? m.n_gaps : MAX_GAPS,
	      sizeof(uint64_t), u64_compare);
	printf("stolen_ns_per_s %.0f\n", (double)m.stolen / per_ns / seconds);
	printf("stolen_percent %.3f\n",
	       (double)m.stolen / per_ns / seconds / 1e7);
	printf("short_percent %.3f\n",
	       (double)m.stolen_short / per_ns / seconds / 1e7);
	printf("gaps_per_s %.0f\n", (double)m.n_gaps / seconds);
	printf("gap_p50_ns %.0f\n", gap_quantile_ns(&m, .5, per_ns));
	printf("gap_p99_ns %.0f\n", gap_quantile_ns(&m, .99, per_ns));
	printf("gap_max_ns %.0f\n", gap_quantile_ns(&m, 1, per_ns));
	free(m.gaps);
	return 0;
}
