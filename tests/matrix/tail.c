/* SPDX-License-Identifier: MIT */
/* tail.c - f and g are reached by jumps from f_entry and g_entry, which leave
 * no frame: run;f is right, run;f_entry;f would be an invention. */
#define PLAN_OWN_RUN
#include "plan.h"

uint64_t f_entry(uint64_t n);
uint64_t g_entry(uint64_t n);

KEEP uint64_t f_entry(uint64_t n)
{
	return f(n ^ 1);
}

KEEP uint64_t g_entry(uint64_t n)
{
	return g(n ^ 1);
}

KEEP uint64_t run(double seconds)
{
	double end = now() + seconds;
	uint64_t sum = 0;

	while (now() < end) {
		sum += f_entry(F_STEPS);			/* @run:f */
		sum += g_entry(G_STEPS);			/* @run:g */
	}
	return sum;
}

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
