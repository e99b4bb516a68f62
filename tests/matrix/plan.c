/* SPDX-License-Identifier: MIT */
/* plan.c - the plan as it stands in plan.h, for all ways to compile it. */
#include "plan.h"

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
