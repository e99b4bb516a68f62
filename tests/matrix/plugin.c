/* SPDX-License-Identifier: MIT */
/* plugin.c - a library for plugins.c, with f or with g, else alike. */
#define PLAN_OWN_LEAVES
#define PLAN_OWN_RUN
#include "plan.h"

#ifdef PLUGIN_F
KEEP uint64_t f(uint64_t n)
{
	return f_inner(n) + 1;					/* @f */
}
#else
KEEP uint64_t g(uint64_t n)
{
	return g_inner(n) + 2;					/* @g */
}
#endif
