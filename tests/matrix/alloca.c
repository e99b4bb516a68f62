/* SPDX-License-Identifier: MIT */
/* alloca.c - run has a frame of unknown size, f one whose stack is aligned:
 * the CFA by an expression (DRAP). */
#define PLAN_OWN_LEAVES
#define PLAN_OWN_RUN
#include <alloca.h>

#include "plan.h"

static KEEP void touch(void *p)
{
	__asm__ volatile("" ::"r"(p) : "memory");
}

KEEP uint64_t f(uint64_t n)
{
	__attribute__((aligned(64))) char aligned[128];
	uint64_t x;

	touch(aligned);
	touch(alloca(n % 7 + 32));
	x = f_inner(n) + 1;					/* @f */
	touch(aligned);
	return x;
}

KEEP uint64_t g(uint64_t n)
{
	__attribute__((aligned(128))) char aligned[256];
	uint64_t x;

	touch(aligned);
	x = g_inner(n) + 2;					/* @g */
	touch(aligned);
	return x;
}

KEEP uint64_t run(double seconds)
{
	double end = now() + seconds;
	uint64_t sum = 0;
	char *room = (char *)alloca((size_t)(seconds * 100) + 16);

	while (now() < end) {
		touch(room);
		sum += f(F_STEPS);				/* @run:f */
		sum += g(G_STEPS);				/* @run:g */
	}
	return sum;
}

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
