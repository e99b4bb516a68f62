/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - which memory of a process is mapped, and by which call.
 *
 * Pieces do not overlap: who maps over another takes its place, and what is
 * unmapped may be a part of one piece, or many. Beside them stand those that
 * are reserved: mapped without any right of access, until mprotect(2) gives
 * some, as arenas of V8 and jemalloc grow. Other memory than these two kinds
 * mprotect(2) changes nothing of, be it a library's or a JIT's.
 */
#ifndef HEAP_MAPPED_H
#define HEAP_MAPPED_H

#include <stdint.h>

#include "util/vec.h"

/* More are not known: a kernel allows 65,530 mappings if nobody raises that. */
#define MAPPED_RESERVED_MAX 65536
/* Where it is raised; a hostile target can tell of any number. */
#define MAPPED_PIECES_MAX ((size_t)1 << 18)

struct mapped_piece {
	uint64_t start, end;
	uint64_t id; /* of the call */
};

struct mapped {
	struct vec pieces;   /* struct mapped_piece, by address */
	struct vec reserved; /* likewise, none beside its like; without ids */
};

void mapped_init(struct mapped *mapped);
void mapped_clear(struct mapped *mapped);

/* What makes no range of addresses is ignored, here and below. */
void mapped_add(struct mapped *mapped, uint64_t start, uint64_t len,
		uint64_t id);
void mapped_remove(struct mapped *mapped, uint64_t start, uint64_t len);

void mapped_reserve(struct mapped *mapped, uint64_t start, uint64_t len);

/* What anonymous memory has no rights in @text of /proc/PID/maps. */
void mapped_reserve_all(struct mapped *mapped, const char *text, size_t len);

/* What of it was reserved is a call's @id from now on; so many bytes. */
uint64_t mapped_open(struct mapped *mapped, uint64_t start, uint64_t len,
		     uint64_t id);

/* What of it was some call's is reserved again. */
void mapped_close(struct mapped *mapped, uint64_t start, uint64_t len);

#endif
