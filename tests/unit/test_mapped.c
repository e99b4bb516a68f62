/* SPDX-License-Identifier: MIT */
/* test_mapped.c - memory that is mapped and unmapped in whole and in part. */
#include <time.h>

#include "check.h"
#include "heap/mapped.h"

static const struct mapped_piece *piece(const struct mapped *mapped, size_t i)
{
	return vec_at(&mapped->pieces, i);
}

TEST(a_piece_is_there_until_it_is_unmapped)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_add(&mapped, 0x5000, 0x2000, 2);
	mapped_add(&mapped, 0x1000, 0x1000, 1);
	CHECK_EQ(mapped.pieces.n, 2);
	CHECK_EQ(piece(&mapped, 0)->id, 1);
	CHECK_EQ(piece(&mapped, 1)->end, 0x7000);
	mapped_remove(&mapped, 0x5000, 0x2000);
	CHECK_EQ(mapped.pieces.n, 1);
	mapped_remove(&mapped, 0x1000, 0x1000);
	CHECK_EQ(mapped.pieces.n, 0);
	mapped_clear(&mapped);
}

TEST(both_ends_and_the_middle_may_go)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_add(&mapped, 0x10000, 0x10000, 7);
	mapped_remove(&mapped, 0xf000, 0x2000);
	mapped_remove(&mapped, 0x1f000, 0x9000);
	mapped_remove(&mapped, 0x14000, 0x1000);
	CHECK_EQ(mapped.pieces.n, 2);
	CHECK_EQ(piece(&mapped, 0)->start, 0x11000);
	CHECK_EQ(piece(&mapped, 0)->end, 0x14000);
	CHECK_EQ(piece(&mapped, 1)->start, 0x15000);
	CHECK_EQ(piece(&mapped, 1)->end, 0x1f000);
	CHECK_EQ(piece(&mapped, 1)->id, 7);
	mapped_clear(&mapped);
}

TEST(one_call_may_unmap_many_pieces)
{
	struct mapped mapped;

	mapped_init(&mapped);
	for (uint64_t i = 0; i < 10; i++)
		mapped_add(&mapped, 0x10000 * i, 0x8000, i + 1);
	mapped_remove(&mapped, 0x24000, 0x51000);
	CHECK_EQ(mapped.pieces.n, 6);
	CHECK_EQ(piece(&mapped, 2)->end, 0x24000);
	CHECK_EQ(piece(&mapped, 3)->start, 0x75000);
	CHECK_EQ(piece(&mapped, 3)->id, 8);
	mapped_clear(&mapped);
}

TEST(who_maps_over_another_takes_its_place)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_add(&mapped, 0x10000, 0x10000, 1);
	mapped_add(&mapped, 0x14000, 0x4000, 2);
	CHECK_EQ(mapped.pieces.n, 3);
	CHECK_EQ(piece(&mapped, 1)->id, 2);
	mapped_add(&mapped, 0x10000, 0x10000, 3);
	CHECK_EQ(mapped.pieces.n, 1);
	CHECK_EQ(piece(&mapped, 0)->id, 3);
	mapped_clear(&mapped);
}

TEST(what_is_no_range_is_ignored)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_add(&mapped, 0x1000, 0, 1);
	mapped_add(&mapped, UINT64_MAX - 4095, 0x2000, 1);
	mapped_add(&mapped, 0x1000, UINT64_MAX, 1);
	CHECK_EQ(mapped.pieces.n, 0);
	mapped_add(&mapped, 0x1000, 0x1000, 1);
	mapped_remove(&mapped, 0x1000, UINT64_MAX);
	mapped_remove(&mapped, 0, 0);
	CHECK_EQ(mapped.pieces.n, 1);
	mapped_clear(&mapped);
}

TEST(what_was_reserved_counts_once_it_is_opened)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_reserve(&mapped, 0x10000, 0x10000);
	CHECK_EQ(mapped.pieces.n, 0);
	CHECK_EQ(mapped_open(&mapped, 0x8000, 0x10000, 1), 0x8000);
	CHECK_EQ(mapped_open(&mapped, 0x8000, 0x10000, 2), 0);
	CHECK_EQ(mapped_open(&mapped, 0x16000, 0x4000, 3), 0x2000);
	CHECK_EQ(mapped.pieces.n, 2);
	CHECK_EQ(piece(&mapped, 0)->id, 1);
	CHECK_EQ(piece(&mapped, 1)->start, 0x18000);
	CHECK_EQ(piece(&mapped, 1)->end, 0x1a000);
	CHECK_EQ(mapped.reserved.n, 1);
	mapped_remove(&mapped, 0x19000, 0x2000);
	CHECK_EQ(piece(&mapped, 1)->end, 0x19000);
	CHECK_EQ(mapped_open(&mapped, 0x19000, 0x10000, 4), 0x5000);
	CHECK_EQ(mapped.reserved.n, 0);
	mapped_clear(&mapped);
}

TEST(what_is_closed_is_reserved_again)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_close(&mapped, 0x10000, 0x10000); /* a library's */
	CHECK_EQ(mapped_open(&mapped, 0x10000, 0x10000, 1), 0);
	mapped_add(&mapped, 0x10000, 0x4000, 1);
	mapped_add(&mapped, 0x16000, 0x4000, 2);
	mapped_close(&mapped, 0x12000, 0x6000);
	CHECK_EQ(mapped.pieces.n, 2);
	CHECK_EQ(piece(&mapped, 0)->end, 0x12000);
	CHECK_EQ(piece(&mapped, 1)->start, 0x18000);
	CHECK_EQ(mapped.reserved.n, 2);
	CHECK_EQ(mapped_open(&mapped, 0x10000, 0x10000, 3), 0x4000);
	CHECK_EQ(mapped.pieces.n, 4);
	CHECK_EQ(piece(&mapped, 1)->id, 3);
	CHECK_EQ(piece(&mapped, 2)->id, 3);
	mapped_clear(&mapped);
}

TEST(reservations_side_by_side_are_one)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_reserve(&mapped, 0x10000, 0x1000);
	mapped_reserve(&mapped, 0x12000, 0x1000);
	mapped_reserve(&mapped, 0x11000, 0x1000);
	mapped_reserve(&mapped, 0x13000, 0x1000);
	mapped_reserve(&mapped, 0x0f000, 0x1000);
	CHECK_EQ(mapped.reserved.n, 1);
	mapped_reserve(&mapped, 0x11000, 0x1000); /* it is already */
	CHECK_EQ(mapped.reserved.n, 1);
	CHECK_EQ(mapped_open(&mapped, 0, 0x100000, 1), 0x5000);
	mapped_clear(&mapped);
}

TEST(so_many_reservations_are_known_and_no_more)
{
	struct mapped mapped;

	mapped_init(&mapped);
	for (uint64_t i = 0; i < MAPPED_RESERVED_MAX + 10; i++)
		mapped_reserve(&mapped, 0x2000 * i, 0x1000);
	CHECK_EQ(mapped.reserved.n, MAPPED_RESERVED_MAX);
	mapped_add(&mapped, 0, UINT64_C(1) << 40, 1);
	CHECK_EQ(mapped.reserved.n, 0);
	mapped_close(&mapped, 0, UINT64_C(1) << 40);
	CHECK_EQ(mapped.reserved.n, 1);
	CHECK_EQ(mapped.pieces.n, 0);
	mapped_clear(&mapped);
}

/* Each time one by one would be minutes: it is hostile, and nobody waits. */
TEST(one_call_may_be_about_all_that_there_is)
{
	const uint64_t n = MAPPED_RESERVED_MAX, all = 0x2000 * n;
	struct mapped mapped;
	clock_t begin = clock();

	mapped_init(&mapped);
	for (uint64_t i = 0; i < n; i++)
		mapped_reserve(&mapped, 0x2000 * i, 0x1000);
	for (uint64_t i = 0; i < 10; i++) {
		CHECK_EQ(mapped_open(&mapped, 0x800, all, i + 1),
			 0x1000 * n - 0x800);
		CHECK_EQ(mapped.pieces.n, n);
		CHECK_EQ(mapped.reserved.n, 1);
		mapped_reserve(&mapped, 0, 0x1000);
		mapped_close(&mapped, 0, all);
		CHECK_EQ(mapped.pieces.n, 0);
		CHECK_EQ(mapped.reserved.n, n);
	}
	CHECK((clock() - begin) / CLOCKS_PER_SEC < 5);
	mapped_clear(&mapped);
}

TEST(holes_in_the_middle_are_bounded_too)
{
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_add(&mapped, 0, UINT64_C(1) << 40, 1);
	mapped_reserve(&mapped, UINT64_C(1) << 41, UINT64_C(1) << 40);
	for (uint64_t i = 1; i < MAPPED_PIECES_MAX + 10; i++) {
		mapped_remove(&mapped, 0x2000 * i, 0x1000);
		mapped_remove(&mapped, (UINT64_C(1) << 41) + 0x2000 * i,
			      0x1000);
	}
	CHECK_EQ(mapped.pieces.n, MAPPED_PIECES_MAX);
	CHECK_EQ(mapped.reserved.n, MAPPED_PIECES_MAX);
	mapped_clear(&mapped);
}

TEST(only_anonymous_memory_without_rights_is_reserved)
{
	static const char maps[] =
		"10000-20000 ---p 00000000 00:00 0 \n"
		"20000-30000 rw-p 00000000 00:00 0 \n"
		"30000-40000 ---p 00000000 00:00 0    [anon:v8]\n"
		"40000-50000 ---p 00001000 08:01 77   /usr/lib/liba.so\n"
		"50000-60000 ---s 00000000 00:00 0 \n"
		"60000-70000 r--p 00000000 00:00 0 \n"
		"70000-80000 ---p 00000000 00:00 0";
	struct mapped mapped;

	mapped_init(&mapped);
	mapped_reserve_all(&mapped, maps, sizeof(maps) - 1);
	CHECK_EQ(mapped_open(&mapped, 0x10000, 0x10000, 1), 0x10000);
	CHECK_EQ(mapped_open(&mapped, 0x20000, 0x10000, 1), 0);
	CHECK_EQ(mapped_open(&mapped, 0x30000, 0x10000, 1), 0x10000);
	CHECK_EQ(mapped_open(&mapped, 0x40000, 0x30000, 1), 0);
	CHECK_EQ(mapped_open(&mapped, 0x70000, 0x10000, 1), 0x10000);
	mapped_clear(&mapped);
}

TEST_MAIN()
