/* SPDX-License-Identifier: MIT */
/* assembly.c - the plan with f and g from assembly_leaves.S. */
#define PLAN_OWN_LEAVES
#include "plan.h"

int main(int argc, char **argv)
{
	return plan_main(argc, argv, run);
}
