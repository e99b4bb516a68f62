/* SPDX-License-Identifier: MIT */
/*
 * deep_recursion.c - a stack of known depth: deep_recursion DEPTH MS.
 *
 * descend calls itself DEPTH times (10,000 when not given), then bottom burns
 * MS of CPU: all time is in bottom, under main and DEPTH frames of descend.
 */
#include "work.h"

WORK uint64_t bottom(uint64_t n)
{
	return spin(n, 23);
}

/* Not a tail call: the sum needs the volatile depth afterwards. */
WORK uint64_t descend(unsigned depth, unsigned ms)
{
	volatile unsigned here = depth;
	uint64_t sum = depth <= 1 ? burn_ms(bottom, ms) :
				    descend(depth - 1, ms);

	return sum + here;
}

int main(int argc, char **argv)
{
	unsigned depth = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	unsigned ms = argc > 2 ? (unsigned)atoi(argv[2]) : 1000;

	return descend(depth, ms) == 0;
}
