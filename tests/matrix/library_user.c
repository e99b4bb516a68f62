/* SPDX-License-Identifier: MIT */
/* library_user.c - calls into a library: f and g themselves, or, with STEPS,
 * one tiny function so often that much of the time is in the PLT. */
#define PLAN_OWN_LEAVES
#include "plan.h"

#ifdef STEPS
uint64_t step(uint64_t x);

KEEP uint64_t f(uint64_t n)
{
	uint64_t x = n;

	for (n /= 3; n--;)
		x = step(x);
	return x;
}

KEEP uint64_t g(uint64_t n)
{
	uint64_t x = n + 1;

	for (n /= 3; n--;)
		x = step(x);
	return x + 1;
}
#endif

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
