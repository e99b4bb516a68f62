/* SPDX-License-Identifier: MIT */
/* assembly.c - the plan with f and g from assembly_leaves.S. */
#define PLAN_OWN_LEAVES
#include "plan.h"

int main(int argc, char **argv)
{
	struct plan plan;
	uint64_t sum;

	plan_start(&plan);
	sum = run(plan_seconds(argc, argv));
	plan_end(&plan);
	return sum == 42;
}
