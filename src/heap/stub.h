/* SPDX-License-Identifier: MIT */
/*
 * stub.h - a few hundred bytes of code that map the agent's memory.
 *
 * A thread of the target is sent there once, by one change of its registers,
 * and comes back by itself: should psample die at any moment, the thread needs
 * nobody. Step by step: 1: A is mapped, 2: B too, and its descriptor is open
 * for psample to take. Then it waits for may_go, two seconds at most, closes
 * the descriptor and goes on where the thread was.
 */
#ifndef HEAP_STUB_H
#define HEAP_STUB_H

#include <stddef.h>
#include <stdint.h>

struct stub_parameters {
	uint64_t a, a_bytes; /* where to map them: multiples of a page */
	uint64_t b, b_bytes;
	uint64_t resume; /* address */
};

enum stub_step { STUB_NOWHERE, STUB_HAS_A, STUB_HAS_B, STUB_DONE };

/* Bytes of the stub with its parameters. */
size_t stub_bytes(void);

/* Write it to @out. */
void stub_make(const struct stub_parameters *parameters, uint8_t *out);

#endif
