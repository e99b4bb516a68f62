/* SPDX-License-Identifier: MIT */
/*
 * dlopen_plugin.c - the libraries of dlopen_loop.c: built with -shared -fPIC,
 * once with -DPLUGIN_A and once without.
 */
#include "work.h"

uint64_t plugin_hot(uint64_t n);

#ifdef PLUGIN_A
WORK uint64_t a_hot(uint64_t n)
{
	return spin(n, 61);
}
#define HOT a_hot
#else
WORK uint64_t b_hot(uint64_t n)
{
	return spin(n, 67);
}
#define HOT b_hot
#endif

uint64_t plugin_hot(uint64_t n)
{
	return HOT(n) + 1;	/* no tail call: it must stay in the stack */
}
