/* SPDX-License-Identifier: MIT */
/* price.h - what the agent costs on this machine, measured in psample. */
#ifndef HEAP_PRICE_H
#define HEAP_PRICE_H

#include <stdbool.h>

struct price {
	double pair_ns;	  /* more for a malloc and its free: no sample */
	double sample_ns; /* for a sample, of a stack as long as it may be */
};

/*
 * Takes a millisecond. @no_inuse: free() is as it was. All zero: code may
 * not be written to here.
 */
void price_measure(bool no_inuse, struct price *out);

#endif
