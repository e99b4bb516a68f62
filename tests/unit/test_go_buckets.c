/* SPDX-License-Identifier: MIT */
/* test_go_buckets.c - a Go program's heap profile, good and hostile. */
#include <math.h>

#include "check.h"
#include "heap/go_buckets.h"
#include "heap/go_profile.h"
#include "heap/go_vars.h"
#include "util/mem.h"

#define BASE 0xc000000000u /* where the memory of the tests begins */
#define HEAD BASE
#define WORDS 8192

struct memory {
	uint64_t words[WORDS];
	size_t n_readable; /* words; what is behind them is not mapped */
	uint64_t changing; /* address of a word that grows with each read */
	size_t n_reads;
	size_t settles_at; /* read at which the update at @changing ends */
};

static size_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	struct memory *memory = ctx;
	size_t end = memory->n_readable * 8;

	memory->n_reads++;
	if (memory->changing && !memory->settles_at)
		memory->words[(memory->changing - BASE) / 8]++;
	else if (memory->n_reads == memory->settles_at)
		memory->words[(memory->changing - BASE) / 8]--;
	if (addr < BASE || addr - BASE >= end)
		return 0;
	if (len > end - (addr - BASE))
		len = end - (addr - BASE);
	memcpy(buf, (char *)memory->words + (addr - BASE), len);
	return len;
}

static struct memory *memory_new(struct go_buckets *buckets)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));

	memory->n_readable = WORDS;
	go_buckets_init(buckets, read_memory, memory);
	return memory;
}

static void memory_free(struct memory *memory, struct go_buckets *buckets)
{
	go_buckets_clear(buckets);
	free(memory);
}

/* Bucket @i of one pc, linked before what the list begins with. */
static uint64_t *add(struct memory *memory, size_t i, uint64_t size)
{
	uint64_t *w = memory->words + 64 + 64 * i;

	w[1] = memory->words[0];
	w[2] = 1;
	w[4] = size;
	w[5] = 1;
	w[6] = 0x401000 + i;
	memory->words[0] = BASE + (uint64_t)(w - memory->words) * 8;
	return w;
}

/* Set cycle @cycle of the bucket at @w. */
static void count(uint64_t *w, size_t cycle, uint64_t allocs, uint64_t frees)
{
	uint64_t *at = w + 6 + w[5] + 4 * cycle;

	at[0] = allocs;
	at[1] = frees;
	at[2] = allocs * w[4];
	at[3] = frees * w[4];
}

TEST(go_buckets_are_read_and_their_cycles_summed)
{
	struct go_buckets buckets;
	struct memory *memory = memory_new(&buckets);
	uint64_t *w = add(memory, 0, 64);
	const struct go_bucket *bucket;
	enum go_buckets_result result;

	count(w, 0, 100, 50);
	count(w, 1, 1, 0);
	count(w, 2, 2, 1);
	count(w, 3, 4, 0);
	add(memory, 1, 1024);
	result = go_buckets_read(&buckets, HEAD);
	CHECK_EQ(result, GO_BUCKETS_OK);
	CHECK_EQ(buckets.list.n, 2);
	bucket = vec_at(&buckets.list, 1);
	CHECK_EQ(bucket->size, 64);
	CHECK_EQ(bucket->now.allocs, 107);
	CHECK_EQ(bucket->now.frees, 51);
	CHECK_EQ(*(uint64_t *)vec_at(&buckets.pcs, bucket->first_pc),
		 0x401000);
	memory_free(memory, &buckets);
}

TEST(go_buckets_without_bytes_are_those_of_go_1_27)
{
	struct go_buckets buckets;
	struct memory *memory = memory_new(&buckets);
	uint64_t *w = add(memory, 0, 64);
	const struct go_bucket *bucket;
	enum go_buckets_result result;

	buckets.has_no_bytes = true;
	for (uint64_t i = 0; i < 4; i++) {
		w[7 + 2 * i] = 10 << i;
		w[8 + 2 * i] = 1 << i;
	}
	result = go_buckets_read(&buckets, HEAD);
	CHECK_EQ(result, GO_BUCKETS_OK);
	bucket = vec_at(&buckets.list, 0);
	CHECK_EQ(bucket->now.allocs, 150);
	CHECK_EQ(bucket->now.frees, 15);
	w[8] = 1000; /* more than were allocated */
	result = go_buckets_read(&buckets, HEAD);
	CHECK_EQ(result, GO_BUCKETS_BAD);
	memory_free(memory, &buckets);
}

TEST(go_buckets_that_are_new_are_found_the_next_time)
{
	struct go_buckets buckets;
	struct memory *memory = memory_new(&buckets);
	uint64_t *w = add(memory, 0, 64);
	const struct go_bucket *bucket;

	count(w, 0, 5, 0);
	CHECK_EQ(go_buckets_read(&buckets, HEAD), GO_BUCKETS_OK);
	go_buckets_mark(&buckets);
	count(w, 0, 9, 2);
	count(add(memory, 1, 32), 2, 3, 0);
	CHECK_EQ(go_buckets_read(&buckets, HEAD), GO_BUCKETS_OK);
	CHECK_EQ(buckets.list.n, 2);
	bucket = vec_at(&buckets.list, 0);
	CHECK_EQ(bucket->start.allocs, 5);
	CHECK_EQ(bucket->now.allocs, 9);
	bucket = vec_at(&buckets.list, 1);
	CHECK_EQ(bucket->start.allocs, 0);
	CHECK_EQ(bucket->now.allocs, 3);
	memory_free(memory, &buckets);
}

TEST(go_buckets_of_an_empty_profile_are_none)
{
	struct go_buckets buckets;
	struct memory *memory = memory_new(&buckets);

	CHECK_EQ(go_buckets_read(&buckets, HEAD), GO_BUCKETS_OK);
	CHECK_EQ(buckets.list.n, 0);
	memory_free(memory, &buckets);
}

static enum go_buckets_result read_after(void (*spoil)(struct memory *,
						       uint64_t *))
{
	struct go_buckets buckets;
	struct memory *memory = memory_new(&buckets);
	enum go_buckets_result result;
	uint64_t *w;

	add(memory, 0, 64);
	w = add(memory, 1, 64);
	add(memory, 2, 64);
	spoil(memory, w);
	result = go_buckets_read(&buckets, HEAD);
	memory_free(memory, &buckets);
	return result;
}

static void make_loop(struct memory *memory, uint64_t *w)
{
	w[1] = memory->words[0];
}

static void make_self_loop(struct memory *memory, uint64_t *w)
{
	w[1] = BASE + (uint64_t)(w - memory->words) * 8;
}

TEST(go_buckets_in_a_loop_are_refused)
{
	CHECK_EQ(read_after(make_loop), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_self_loop), GO_BUCKETS_BAD);
}

static void make_deep(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[5] = UINT64_C(1) << 61;
}

static void make_without_stack(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[5] = 0;
}

static void make_other_type(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[2] = 2;
}

static void make_huge(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[4] = UINT64_MAX;
}

static void make_odd(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[1] += 4;
}

TEST(go_buckets_with_an_impossible_header_are_refused)
{
	CHECK_EQ(read_after(make_deep), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_without_stack), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_other_type), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_huge), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_odd), GO_BUCKETS_BAD);
}

static void make_other_bytes(struct memory *memory, uint64_t *w)
{
	(void)memory;
	count(w, 0, 10, 0);
	w[9] = 641; /* not ten of 64 bytes */
}

static void make_more_frees(struct memory *memory, uint64_t *w)
{
	(void)memory;
	count(w, 0, 10, 11);
}

TEST(go_buckets_whose_counts_do_not_fit_are_refused)
{
	CHECK_EQ(read_after(make_other_bytes), GO_BUCKETS_BAD);
	CHECK_EQ(read_after(make_more_frees), GO_BUCKETS_BAD);
}

static void make_wild(struct memory *memory, uint64_t *w)
{
	(void)memory;
	w[1] = 0x7000;
}

static void make_short(struct memory *memory, uint64_t *w)
{
	memory->n_readable = (size_t)(w - memory->words) + 10;
}

TEST(go_buckets_outside_of_memory_are_gone)
{
	CHECK_EQ(read_after(make_wild), GO_BUCKETS_GONE);
	CHECK_EQ(read_after(make_short), GO_BUCKETS_GONE);
}

static void make_unsteady(struct memory *memory, uint64_t *w)
{
	count(w, 0, 10, 0);
	memory->changing = BASE + (uint64_t)(w + 7 - memory->words) * 8;
}

TEST(go_buckets_that_never_hold_still_end_the_reading)
{
	CHECK_EQ(read_after(make_unsteady), GO_BUCKETS_BAD);
}

static void make_interrupted(struct memory *memory, uint64_t *w)
{
	count(w, 0, 10, 0);
	w[7]++; /* counted, and its thread displaced before it adds bytes */
	memory->changing = BASE + (uint64_t)(w + 7 - memory->words) * 8;
	memory->settles_at = 40;
}

TEST(go_buckets_within_an_update_are_waited_for)
{
	CHECK_EQ(read_after(make_interrupted), GO_BUCKETS_OK);
}

TEST(go_scale_is_that_of_runtime_pprof)
{
	CHECK(fabs(go_scale(1, 64, 524288) - 8192.5) < 0.01);
	CHECK(fabs(go_scale(3, 524288, 524288) - 4.745930) < 1e-5);
	CHECK(fabs(go_scale(7, UINT64_C(1) << 40, 524288) - 7) < 1e-9);
	CHECK(fabs(go_scale(7, 64, 1) - 7) < 1e-9);
	CHECK(fabs(go_scale(7, 64, 0) - 7) < 1e-9);
	CHECK(fabs(go_scale(0, 64, 512)) < 1e-9);
}

TEST(go_values_of_old_objects_are_scaled_by_the_old_rate)
{
	struct go_weights weights = { .rate = 1, .rate_before = 524288 };
	struct go_bucket bucket = {
		.size = 64,
		.start = { .allocs = 10, .frees = 4 },
		.now = { .allocs = 15, .frees = 6 },
	};
	struct go_values v = go_bucket_values(&bucket, &weights);

	CHECK_EQ(v.samples, 5);
	CHECK(fabs(v.alloc_objects - 5) < 1e-9);
	CHECK(fabs(v.inuse_objects - (3 + 6 * 8192.5)) < 0.1);
	/* More were freed than are new: the rest was of the old ones. */
	bucket.now.frees = 14;
	v = go_bucket_values(&bucket, &weights);
	CHECK(fabs(v.inuse_objects - 8192.5) < 0.1);
}

TEST(go_versions_are_read_from_what_the_linker_writes)
{
	CHECK_EQ(go_version_minor("go1.22.3"), 22);
	CHECK_EQ(go_version_minor("go1.9"), 9);
	CHECK_EQ(go_version_minor("devel go1.27-0123abc Mon"), 27);
	CHECK_EQ(go_version_minor("go1.21rc2 X:boringcrypto"), 21);
	CHECK_EQ(go_version_minor("devel +0123abc"), -1);
	CHECK_EQ(go_version_minor("go2.1"), -1);
	CHECK_EQ(go_version_minor("go1.x"), -1);
	CHECK_EQ(go_version_minor("go1.-5"), -1);
	CHECK_EQ(go_version_minor(""), -1);
}

TEST_MAIN()
