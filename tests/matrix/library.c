/* SPDX-License-Identifier: MIT */
/* library.c - f and g for a shared library, and with STEPS the small function
 * that library_user.c calls through its procedure linkage table. */
#ifdef STEPS
#define PLAN_OWN_LEAVES
#endif
#define PLAN_OWN_RUN
#include "plan.h"

#ifdef STEPS
uint64_t step(uint64_t x);

KEEP uint64_t step(uint64_t x)
{
	return x * 6364136223846793005u + 1442695040888963407u;
}
#endif
