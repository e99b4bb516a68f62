/* SPDX-License-Identifier: MIT */
/* priority.h - the core when it is needed: for a tick, for a full ring. */
#ifndef SAMPLER_PRIORITY_H
#define SAMPLER_PRIORITY_H

#include <stdbool.h>
#include <stddef.h>

struct sampler;

/* The sampler's thread: get the core when a tick is due. */
void priority_raise(struct sampler *s);

struct hurry { /* zeroed: as the thread was made */
	bool is_on;
	int nice_before;
};

/*
 * The unwinder's thread, with @pending of @capacity bytes before it: ahead of
 * others while it is about to lose what comes next, as they are otherwise.
 */
void hurry_update(struct hurry *hurry, size_t pending, size_t capacity);

#endif
