/* SPDX-License-Identifier: MIT */
/* go_buckets.c - the buckets of a Go program's heap profile. */
#include "heap/go_buckets.h"

#include <math.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

#define PAGE_BYTES 4096u
#define BLOCK_BYTES (2 * PAGE_BYTES) /* a bucket may cross into the next */
#define HEADER_BYTES 48u
#define TYPE_MEMORY 1 /* memProfile */
#define SIZE_MAX_BYTES (UINT64_C(1) << 47)
#define COUNT_MAX (UINT64_C(1) << 48)
#define PCS_MAX (64u << 20) /* of all buckets together */
#define TRIES_AT_ONCE 16
#define TRIES_MAX (TRIES_AT_ONCE + 250) /* of a millisecond each */

struct header {
	uint64_t next, all_next, type, hash, size, n_pcs;
};

struct cycle {
	uint64_t allocs, frees, alloc_bytes, free_bytes;
};

#define N_CYCLES 4	/* active, future[3] */
#define CYCLE_WORDS 4	/* as struct cycle; without its bytes half as many */

struct record {
	uint64_t words[N_CYCLES * CYCLE_WORDS];
};

void go_buckets_init(struct go_buckets *buckets, go_read_fn read, void *ctx)
{
	*buckets = (struct go_buckets){
		.read = read,
		.ctx = ctx,
		.list = VEC_OF(struct go_bucket),
		.pcs = VEC_OF(uint64_t),
	};
	buckets->block.bytes = xmalloc(BLOCK_BYTES);
}

void go_buckets_clear(struct go_buckets *buckets)
{
	vec_clear(&buckets->list);
	vec_clear(&buckets->pcs);
	map_clear(&buckets->by_address);
	free(buckets->block.bytes);
	buckets->block.bytes = NULL;
}

static bool block_holds(const struct go_block *block, taddr addr, size_t len)
{
	return addr >= block->addr && addr - block->addr <= block->n &&
	       len <= block->n - (size_t)(addr - block->addr);
}

static void load_block(struct go_buckets *buckets, taddr addr)
{
	struct go_block *block = &buckets->block;

	block->addr = addr;
	block->n = buckets->read(buckets->ctx, addr, block->bytes,
				 BLOCK_BYTES);
}

/* @len bytes at @addr, from a block that is read for many buckets. */
static bool read_blockwise(struct go_buckets *buckets, taddr addr, void *out,
			   size_t len)
{
	struct go_block *block = &buckets->block;

	if (!block_holds(block, addr, len))
		load_block(buckets, addr & ~(taddr)(PAGE_BYTES - 1));
	if (!block_holds(block, addr, len)) /* a deep stack */
		return buckets->read(buckets->ctx, addr, out, len) == len;
	memcpy(out, block->bytes + (addr - block->addr), len);
	return true;
}

/*
 * Do the counts of @record fit each other? All objects of a bucket have the
 * same size, so bytes are count times size, and what was freed was allocated.
 */
static bool sum_record(const struct record *record, size_t cycle_words,
		       uint64_t size, struct go_counts *out)
{
	struct cycle sum = { 0, 0, 0, 0 };

	for (size_t i = 0; i < N_CYCLES; i++) {
		const uint64_t *words = &record->words[i * cycle_words];

		sum.allocs += words[0];
		sum.frees += words[1];
		if (cycle_words < CYCLE_WORDS)
			continue;
		sum.alloc_bytes += words[2];
		sum.free_bytes += words[3];
	}
	*out = (struct go_counts){ sum.allocs, sum.frees };
	return sum.allocs < COUNT_MAX && sum.frees <= sum.allocs &&
	       (cycle_words < CYCLE_WORDS ||
		(sum.alloc_bytes == sum.allocs * size &&
		 sum.free_bytes == sum.frees * size));
}

/*
 * Read the counts of @bucket. The runtime moves them from future to active
 * and adds to them meanwhile, so what is new must be seen twice. A thread of
 * it that lost its core within such an update leaves counts that do not fit
 * until it runs again: that takes a while on a busy machine.
 */
static enum go_buckets_result read_counts(struct go_buckets *buckets,
					  struct go_bucket *bucket)
{
	taddr addr = bucket->addr + HEADER_BYTES +
		     sizeof(uint64_t) * (taddr)bucket->n_pcs;
	struct timespec moment = timespec_of_ns(NS_PER_MS);
	struct go_counts last = bucket->now, counts;
	bool has_last = true;
	size_t words = buckets->has_no_bytes ? CYCLE_WORDS / 2 : CYCLE_WORDS;
	size_t len = N_CYCLES * words * sizeof(uint64_t);
	struct record record;

	if (!read_blockwise(buckets, addr, &record, len))
		return GO_BUCKETS_GONE;
	for (int i = 0; i < TRIES_MAX; i++) {
		bool is_sound = sum_record(&record, words, bucket->size,
					   &counts);

		if (is_sound && has_last && counts.allocs == last.allocs &&
		    counts.frees == last.frees) {
			bucket->now = counts;
			return GO_BUCKETS_OK;
		}
		last = counts;
		has_last = is_sound;
		if (!is_sound && i >= TRIES_AT_ONCE)
			nanosleep(&moment, NULL);
		if (buckets->read(buckets->ctx, addr, &record, len) != len)
			return GO_BUCKETS_GONE;
	}
	return GO_BUCKETS_BAD;
}

static bool header_is_sound(const struct header *header)
{
	return header->type == TYPE_MEMORY && header->size > 0 &&
	       header->size < SIZE_MAX_BYTES && header->n_pcs > 0 &&
	       header->n_pcs <= GO_STACK_MAX && header->all_next % 8 == 0;
}

/* The bucket at @addr, which is not known yet; *@out_next comes behind it. */
static enum go_buckets_result add_bucket(struct go_buckets *buckets,
					 taddr addr, taddr *out_next)
{
	uint64_t pcs[GO_STACK_MAX];
	struct go_bucket *bucket;
	struct header header;

	if (!read_blockwise(buckets, addr, &header, sizeof(header)))
		return GO_BUCKETS_GONE;
	if (!header_is_sound(&header) || buckets->list.n >= GO_BUCKETS_MAX ||
	    buckets->pcs.n + header.n_pcs > PCS_MAX)
		return GO_BUCKETS_BAD;
	if (!read_blockwise(buckets, addr + HEADER_BYTES, pcs,
			    header.n_pcs * sizeof(*pcs)))
		return GO_BUCKETS_GONE;
	map_put(&buckets->by_address, addr, (uint32_t)buckets->list.n);
	bucket = vec_push(&buckets->list);
	bucket->addr = addr;
	bucket->size = header.size;
	bucket->first_pc = (uint32_t)buckets->pcs.n;
	bucket->n_pcs = (uint32_t)header.n_pcs;
	for (uint32_t i = 0; i < bucket->n_pcs; i++)
		*(uint64_t *)vec_push(&buckets->pcs) = pcs[i];
	*out_next = header.all_next;
	return GO_BUCKETS_OK;
}

/* From the head to the bucket that was the newest the last time. */
static enum go_buckets_result add_new(struct go_buckets *buckets, taddr head)
{
	taddr addr, first;

	if (buckets->read(buckets->ctx, head, &first, sizeof(first)) !=
	    sizeof(first))
		return GO_BUCKETS_GONE;
	addr = first;
	while (addr != buckets->newest) {
		enum go_buckets_result result;

		/* A known one elsewhere, or an end too early: no such list. */
		if (!addr || addr % 8 ||
		    map_get(&buckets->by_address, addr) != NO_ID)
			return GO_BUCKETS_BAD;
		result = add_bucket(buckets, addr, &addr);
		if (result != GO_BUCKETS_OK)
			return result;
	}
	buckets->newest = first;
	return GO_BUCKETS_OK;
}

enum go_buckets_result go_buckets_read(struct go_buckets *buckets, taddr head)
{
	enum go_buckets_result result;

	buckets->block.n = 0;
	result = add_new(buckets, head);
	for (size_t i = 0; i < buckets->list.n && result == GO_BUCKETS_OK; i++)
		result = read_counts(buckets, vec_at(&buckets->list, i));
	return result;
}

void go_buckets_mark(struct go_buckets *buckets)
{
	for (size_t i = 0; i < buckets->list.n; i++) {
		struct go_bucket *bucket = vec_at(&buckets->list, i);

		bucket->start = bucket->now;
	}
}

double go_scale(uint64_t n, uint64_t size, uint64_t rate)
{
	if (rate <= 1)
		return (double)n;
	return (double)n / -expm1(-(double)size / (double)rate);
}
