/* SPDX-License-Identifier: MIT */
/* test_kept.c - samples are added up, and kept while they may be in use. */
#include "heap/kept.h"

#include "check.h"

static void add(struct kept_list *kept, stack_id stack, uint64_t size,
		double weight)
{
	kept->n_records++;
	kept_add(kept, &(struct kept){ .stack = stack, .size = size }, weight);
}

TEST(sums_are_by_stack)
{
	struct kept_list kept;
	const struct kept_sum *sum;

	kept_init(&kept);
	add(&kept, 7, 100, 2);
	add(&kept, 3, 10, 1);
	add(&kept, 7, 1, 3);
	CHECK_EQ(kept.sums.n, 2);
	sum = vec_at(&kept.sums, 0);
	CHECK_EQ(sum->stack, 7);
	CHECK_EQ((int)sum->objects, 5);
	CHECK_EQ((int)sum->bytes, 203);
	CHECK_EQ((int)kept.variance, 100 * 100 * 2 + 3 * 2);
	kept_clear(&kept);
}

TEST(a_sample_is_found_by_its_id)
{
	struct kept_list kept;

	kept_init(&kept);
	CHECK(!kept_find(&kept, 1));
	for (int i = 0; i < 1000; i++) {
		kept.n_records++; /* one that is lost */
		add(&kept, 1, (uint64_t)i, 1);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		CHECK(!kept_find(&kept, 2 * i + 1));
		CHECK_EQ(kept_find(&kept, 2 * i + 2)->size, i);
	}
	CHECK(!kept_find(&kept, 2002));
	kept_clear(&kept);
}

/* In use are every 1000th, and ids that the target has made up. */
TEST(a_million_samples_need_no_more_than_those_in_use)
{
	static uint64_t in_use[2000];
	struct kept_list kept;
	size_t n_max = 0, n = 0;

	kept_init(&kept);
	for (uint64_t i = 1; i <= 1000000; i++) {
		add(&kept, (stack_id)(i % 10), 8, 1);
		if (kept.list.n > n_max)
			n_max = kept.list.n;
		if (!kept_is_full(&kept))
			continue;
		n = 0;
		for (uint64_t id = i / 1000 * 1000; id; id -= 1000)
			in_use[n++] = id;
		in_use[n++] = 0;
		in_use[n++] = UINT64_MAX;
		in_use[n++] = 1000; /* twice */
		kept_forget(&kept, in_use, n);
	}
	CHECK(n > 900);
	CHECK(n_max <= (size_t)1 << 17);
	for (uint64_t id = 1000; id <= 900000; id += 1000)
		CHECK(kept_find(&kept, id));
	CHECK(!kept_find(&kept, 999));
	CHECK_EQ(kept.sums.n, 10);
	CHECK_EQ((int)((struct kept_sum *)vec_at(&kept.sums, 9))->bytes,
		 800000);
	kept_forget(&kept, in_use, 0);
	CHECK_EQ(kept.list.n, 0);
	kept_clear(&kept);
}

TEST_MAIN()
