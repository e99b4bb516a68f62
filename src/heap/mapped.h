/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - which memory of a process is mapped, and by which call.
 *
 * Pieces do not overlap: who maps over another takes its place, and what is
 * unmapped may be a part of one piece, or many.
 */
#ifndef HEAP_MAPPED_H
#define HEAP_MAPPED_H

#include <stdint.h>

#include "util/vec.h"

struct mapped_piece {
	uint64_t start, end;
	uint64_t id; /* of the call */
};

struct mapped {
	struct vec pieces; /* struct mapped_piece, by address */
};

void mapped_init(struct mapped *mapped);
void mapped_clear(struct mapped *mapped);

/* What makes no range of addresses is ignored, here and below. */
void mapped_add(struct mapped *mapped, uint64_t start, uint64_t len,
		uint64_t id);
void mapped_remove(struct mapped *mapped, uint64_t start, uint64_t len);

#endif
