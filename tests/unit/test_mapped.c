/* SPDX-License-Identifier: MIT */
/* test_mapped.c - memory that is mapped and unmapped in whole and in part. */
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

TEST_MAIN()
