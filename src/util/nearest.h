/* SPDX-License-Identifier: MIT */
/*
 * nearest.h - which of some words was meant by a misspelt one.
 *
 * Offer all words that there are, then look at @best: the one that is the
 * fewest insertions, deletions, changes and swaps of neighbours away, or NULL
 * if none is near. Words longer than NEAREST_MAX are near to nothing.
 */
#ifndef UTIL_NEAREST_H
#define UTIL_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 31

struct nearest {
	const char *word; /* as it was typed; not zero-terminated */
	size_t len;
	const char *best; /* of the caller, as it was offered */
	size_t distance;  /* of @best */
};

void nearest_init(struct nearest *nearest, const char *word, size_t len);
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
