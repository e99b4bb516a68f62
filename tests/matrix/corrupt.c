/* SPDX-License-Identifier: MIT */
/* corrupt.c - while f works, the return address of run and what is saved
 * beside it are garbage; g runs when they are whole again. So f is right, and
 * nothing above run can be: 60 % of the stacks must be marked truncated. */
#define PLAN_OWN_LEAVES
#include <string.h>

#include "plan.h"

enum { WORDS = 24 };
static uint64_t *frame_of_main, saved[WORDS];

/* All but the arguments of main, which are above its frame. */
static uint64_t *above_run(void)
{
	return frame_of_main;
}

KEEP uint64_t f(uint64_t n)
{
	volatile uint64_t *words = above_run();
	uint64_t x;

	for (int i = 0; i < WORDS; i++)
		saved[i] = words[i];
	for (int i = 0; i < WORDS; i++)
		words[i] = 0x4141414141414141u + (uint64_t)i;
	x = f_inner(n) + 1;					/* @f */
	for (int i = 0; i < WORDS; i++)
		words[i] = saved[i];
	return x;
}

KEEP uint64_t g(uint64_t n)
{
	return g_inner(n) + 2;					/* @g */
}

/* A frame between main and run, of which the words are destroyed. */
static KEEP uint64_t between(double seconds)
{
	uint64_t sum;

	frame_of_main = (uint64_t *)__builtin_frame_address(0);
	sum = run(seconds);
	NO_TAIL_CALL();
	return sum;
}

int main(int argc, char **argv)
{
	char room[512];

	memset(room, 1, sizeof(room));
	__asm__ volatile("" ::"r"(room) : "memory");
	return plan_main(argc, argv, between);
}
