/* SPDX-License-Identifier: MIT */
/* plan.c - the plan as it stands in plan.h, for all ways to compile it. */
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
