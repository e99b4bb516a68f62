/* SPDX-License-Identifier: MIT */
/*
 * deep_recursion.c - a stack of known depth: deep_recursion DEPTH MS [sleep].
 *
 * descend calls itself DEPTH times (10,000 when not given), then bottom burns
 * MS of CPU, or sleeps so long in one call: all time is in bottom, or in that
 * call, under main and DEPTH frames of descend.
 */
#include "work.h"

#include <unistd.h>

WORK uint64_t bottom(uint64_t n)
{
	return spin(n, 23);
}

WORK uint64_t rest(unsigned ms)
{
	return usleep(1000 * ms) == 0;
}

/* Not a tail call: the sum needs the volatile depth afterwards. */
WORK uint64_t descend(unsigned depth, unsigned ms, int sleeps)
{
	volatile unsigned here = depth;
	uint64_t sum = depth > 1 ? descend(depth - 1, ms, sleeps) :
		       sleeps	 ? rest(ms) :
				   burn_ms(bottom, ms);

	return sum + here;
}

int main(int argc, char **argv)
{
	unsigned depth = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	unsigned ms = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;

	return descend(depth, ms, argc > 3) == 0;
}
