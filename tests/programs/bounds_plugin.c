/* SPDX-License-Identifier: MIT */
/*
 * bounds_plugin.c - the library that bounds.c loads in many copies; there the
 * zeros in the name are the number of the copy. Without a build id, since the
 * copies are different files.
 */
#include "work.h"

uint64_t module_0000(uint64_t n);
extern uint64_t (*bounds_entry)(uint64_t n);

__attribute__((noinline)) uint64_t module_0000(uint64_t n)
{
	return spin(n, 73);
}

/* By pointer: the name is not where the hash table says any more. */
uint64_t (*bounds_entry)(uint64_t n) = module_0000;
