/* SPDX-License-Identifier: MIT */
/*
 * go_buckets.h - the buckets of a Go program's heap profile, read from outside.
 *
 * Go's runtime keeps one bucket for each stack and size that it has sampled,
 * in a list that only grows at its head (runtime/mprof.go):
 *
 *	next, allnext, type, hash, size, n_pcs; pcs[n_pcs];
 *	active{allocs, frees, alloc_bytes, free_bytes}, future[3] of the same
 *
 * Counts are of samples, not yet scaled, and sum over all four. The program
 * goes on while it is read, so counts are read until they are the same twice.
 * The memory is hostile: the list may be a loop, and counts may be anything.
 */
#ifndef HEAP_GO_BUCKETS_H
#define HEAP_GO_BUCKETS_H

#include <stdbool.h>

#include "arch/regs.h"
#include "util/map.h"

#define GO_BUCKETS_MAX (4u << 20)
#define GO_STACK_MAX 1024 /* maxProfStackDepth; 32 before Go 1.23 */

/* Up to @len bytes at @addr: bytes read. */
typedef size_t (*go_read_fn)(void *ctx, taddr addr, void *buf, size_t len);

struct go_counts {
	uint64_t allocs, frees; /* samples since the program began */
};

struct go_bucket {
	taddr addr;
	uint64_t size;		/* of each of its objects, in bytes */
	uint32_t first_pc, n_pcs; /* in pcs, innermost first */
	struct go_counts start, now; /* at go_buckets_mark(), and last read */
};

struct go_block {
	taddr addr;
	size_t n;
	uint8_t *bytes;
};

struct go_buckets { /* go_buckets_init() before use */
	go_read_fn read;
	void *ctx;
	struct vec list; /* struct go_bucket, in order of discovery */
	struct vec pcs;	 /* uint64_t: return addresses */
	struct map by_address;
	taddr newest;	 /* head of the list as it was read last */
	bool has_no_bytes; /* since Go 1.27 they count objects alone */
	struct go_block block; /* read last: many buckets lie in one */
};

void go_buckets_init(struct go_buckets *buckets, go_read_fn read, void *ctx);
void go_buckets_clear(struct go_buckets *buckets);

enum go_buckets_result {
	GO_BUCKETS_OK,
	GO_BUCKETS_GONE, /* the memory cannot be read any more */
	GO_BUCKETS_BAD,	 /* this is no list of buckets as we know it */
};

/*
 * Read all buckets of the list whose head is at @head: those that are new,
 * and the counts of all. What is known stays when it is GONE or BAD, and some
 * counts may be newer than others.
 */
enum go_buckets_result go_buckets_read(struct go_buckets *buckets,
				       taddr head);

/* From now on start is what now is. */
void go_buckets_mark(struct go_buckets *buckets);

/*
 * What @n samples of objects of @size bytes stand for at a mean distance of
 * @rate bytes; as scaleHeapSample() in runtime/pprof/protomem.go:
 *
 *	n / (1 - exp(-size / rate))
 */
double go_scale(uint64_t n, uint64_t size, uint64_t rate);

#endif
