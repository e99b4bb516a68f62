/* SPDX-License-Identifier: MIT */
/* main.c - main and a waiting thread in C; run is Go's, in an archive. */
#define PLAN_OWN_LEAVES
#define PLAN_OWN_RUN
#include "../../plan.h"

uint64_t plan_run(double seconds); /* archive.go */

int main(int argc, char **argv)
{
	struct plan plan;
	uint64_t sum;

	plan_start(&plan);
	sum = plan_run(plan_seconds(argc, argv));
	plan_end(&plan);
	return sum == 42;
}
