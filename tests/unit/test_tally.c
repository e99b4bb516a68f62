/* SPDX-License-Identifier: MIT */
/* test_tally.c - how CPU time is divided among hits. */
#include "sampler/tally.h"

#include "check.h"

static int64_t total(const struct profile *profile, int column)
{
	int64_t sum = 0;

	for (size_t i = 0; i < profile->samples.n; i++)
		sum += ((struct profile_sample *)vec_at(&profile->samples, i))
			       ->values[column];
	return sum;
}

static struct profile *new_profile(void)
{
	struct profile *profile = profile_new();

	profile_add_type(profile, "samples", "count");
	profile_add_type(profile, "cpu", "nanoseconds");
	return profile;
}

static void add_hit(struct profile *profile, struct vec *hits, const char *name)
{
	location_id location = profile_pseudo_location(profile, name);

	*(struct hit *)vec_push(hits) = (struct hit){
		.stack = profile_stack(profile, &location, 1),
	};
}

TEST(what_is_handed_out_sums_to_what_was_owed)
{
	struct profile *profile = new_profile();
	struct vec hits = VEC_OF(struct hit);

	for (int i = 0; i < 7; i++)
		add_hit(profile, &hits, i % 2 ? "f" : "g");
	tally_pay(profile, &hits, 1000000001);
	CHECK_EQ(total(profile, VALUE_CPU), 1000000001);
	CHECK_EQ(hits.n, 0);
	CHECK_EQ(profile->samples.n, 2);
	vec_clear(&hits);
	profile_free(profile);
}

TEST(hits_share_evenly)
{
	struct profile *profile = new_profile();
	struct vec hits = VEC_OF(struct hit);
	const struct profile_sample *f;

	add_hit(profile, &hits, "f");
	add_hit(profile, &hits, "g");
	add_hit(profile, &hits, "f");
	tally_pay(profile, &hits, 900);
	f = vec_at(&profile->samples, 0);
	CHECK_EQ(f->values[VALUE_CPU], 600);
	vec_clear(&hits);
	profile_free(profile);
}

TEST(hits_that_stay_can_share_again)
{
	struct profile *profile = new_profile();
	struct vec hits = VEC_OF(struct hit);
	const struct profile_sample *f;

	add_hit(profile, &hits, "f");
	add_hit(profile, &hits, "g");
	tally_divide(profile, &hits, 900);
	CHECK_EQ(hits.n, 2);
	tally_divide(profile, &hits, 100);
	f = vec_at(&profile->samples, 0);
	CHECK_EQ(f->values[VALUE_CPU], 500);
	vec_clear(&hits);
	profile_free(profile);
}

TEST(without_hits_nothing_is_handed_out)
{
	struct profile *profile = new_profile();
	struct vec hits = VEC_OF(struct hit);

	tally_pay(profile, &hits, 900);
	CHECK_EQ(profile->samples.n, 0);
	vec_clear(&hits);
	profile_free(profile);
}

TEST(a_dead_thread_leaves_its_hits_to_the_pool)
{
	struct profile *profile = new_profile();
	struct vec hits = VEC_OF(struct hit), pool = VEC_OF(struct hit);

	add_hit(profile, &hits, "f");
	add_hit(profile, &pool, "g");
	tally_move(&pool, &hits);
	CHECK_EQ(hits.n, 0);
	CHECK_EQ(pool.n, 2);
	vec_clear(&hits);
	vec_clear(&pool);
	profile_free(profile);
}

TEST_MAIN()
