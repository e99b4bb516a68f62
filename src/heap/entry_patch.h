/* SPDX-License-Identifier: MIT */
/*
 * entry_patch.h - what entries.c and entries_find.c have in common.
 */
#ifndef HEAP_ENTRY_PATCH_H
#define HEAP_ENTRY_PATCH_H

#include "heap/entries.h"
#include "heap/gate.h"

struct entry { /* a function of malloc's family */
	uint64_t vaddr;
	uint32_t function; /* enum agent_function */
	struct gate gate;
};

struct entry_patch { /* bytes of the program that are to be others */
	taddr addr;
	uint32_t entry; /* NO_ID: a way, which leads to a gate */
	uint32_t n;
	uint8_t before[GATE_JUMP_BYTES], after[GATE_JUMP_BYTES];
};

/* A function that cannot be patched, and why. */
struct error *entries_refuse(const struct entry *entry,
			     const char *fault) MUST_USE;

#endif
