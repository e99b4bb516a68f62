/* SPDX-License-Identifier: MIT */
/*
 * vdso.c - f and g spend their time in clock_gettime, in the vdso; with
 * -DVSYSCALL in time(2) at the address of old, which the kernel emulates.
 */
#define PLAN_OWN_LEAVES
#include "plan.h"

static KEEP uint64_t read_clock(clockid_t clock, unsigned n)
{
	struct timespec t;
	uint64_t sum = 0;

	while (n--) {
#ifdef VSYSCALL
		t.tv_nsec = ((time_t(*)(time_t *))0xffffffffff600400)(NULL);
#else
		clock_gettime(clock, &t);
#endif
		sum += (uint64_t)t.tv_nsec;
	}
	return sum;
}

KEEP uint64_t f(uint64_t n)
{
	uint64_t sum = read_clock(CLOCK_MONOTONIC, (unsigned)n / 30); /* @f */

	NO_TAIL_CALL();
	return sum;
}

KEEP uint64_t g(uint64_t n)
{
	uint64_t sum = read_clock(CLOCK_MONOTONIC, (unsigned)n / 30);

	NO_TAIL_CALL();
	return sum + 1;
}

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
