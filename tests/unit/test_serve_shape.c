/* SPDX-License-Identifier: MIT */
/* test_serve_shape.c - what one client gets of a run that is shared. */
#include "check.h"

#include "sampler/naming.h"
#include "sampler/tally.h"
#include "serve/shape.h"

/* One stack at each of @n ticks, with labels of thread @tid. */
static void add_ticks(struct profile *profile, location_id location,
		      const char *tid, int64_t n, int64_t cpu_ns)
{
	for (int64_t i = 0; i < n; i++) {
		struct profile_label labels[] = {
			{ .key = profile_string(profile, LABEL_THREAD_ID),
			  .str = profile_string(profile, tid) },
			{ .key = profile_string(profile, LABEL_PHASE),
			  .num = i % 4,
			  .num_unit = profile_string(profile, "ticks") },
		};
		int64_t values[PROFILE_MAX_TYPES] = { 1, cpu_ns };

		profile_add_sample(profile,
				   profile_stack(profile, &location, 1),
				   profile_labels(profile, labels, 2),
				   values);
	}
}

static struct profile *new_profile(void)
{
	struct profile *profile = profile_new();

	profile_add_type(profile, "samples", "count");
	profile_add_type(profile, "cpu", "nanoseconds");
	profile->period = 1000;
	add_ticks(profile, profile_pseudo_location(profile, "f"), "1", 400,
		  1001);
	add_ticks(profile, profile_pseudo_location(profile, "g"), "2", 200,
		  999);
	return profile;
}

static int64_t sum_of(const struct profile *profile, int type)
{
	int64_t sum = 0;

	for (size_t i = 0; i < profile->samples.n; i++)
		sum += ((struct profile_sample *)vec_at(&profile->samples,
							i))->values[type];
	return sum;
}

TEST(a_client_of_half_the_rate_has_half_the_ticks_and_all_the_time)
{
	struct profile *profile = new_profile();
	struct vec none = VEC_OF(struct profile_sample);
	struct shape shape = { .base = &none, .every = 2 };
	struct shape_saved saved;
	int64_t all_ns = sum_of(profile, VALUE_CPU);
	size_t n = profile->samples.n;

	shape_apply(profile, &shape, &saved);
	CHECK_EQ(sum_of(profile, VALUE_SAMPLES), 300);
	CHECK_EQ(sum_of(profile, VALUE_CPU), all_ns);
	CHECK_EQ(profile->period, 2000);
	CHECK_EQ(profile->samples.n, 2); /* f and g, without labels */
	shape_restore(profile, &saved);
	CHECK_EQ(profile->samples.n, n);
	CHECK_EQ(sum_of(profile, VALUE_SAMPLES), 600);
	CHECK_EQ(profile->period, 1000);
	profile_free(profile);
}

/* 12 more samples: 8 of a stack that is there, 4 of a new one. */
static void add_more(struct profile *profile)
{
	add_ticks(profile, profile_pseudo_location(profile, "f"), "1", 8,
		  500);
	add_ticks(profile, profile_pseudo_location(profile, "h"), "3", 4,
		  250);
}

TEST(a_client_has_what_came_after_it_did)
{
	struct profile *profile = new_profile();
	struct vec base = vec_copy(&profile->samples);
	struct shape shape = { .base = &base, .every = 1 };
	struct shape_saved saved;

	add_more(profile);
	shape_apply(profile, &shape, &saved);
	CHECK_EQ(sum_of(profile, VALUE_SAMPLES), 12);
	CHECK_EQ(sum_of(profile, VALUE_CPU), 8 * 500 + 4 * 250);
	CHECK_EQ(profile->samples.n, 2);
	shape_restore(profile, &saved);
	profile_free(profile);
	vec_clear(&base);
}

TEST(a_client_has_nothing_of_what_comes_after_its_end)
{
	struct profile *profile = new_profile();
	struct vec none = VEC_OF(struct profile_sample);
	struct vec last = vec_copy(&profile->samples);
	struct shape shape = { .base = &none, .last = &last, .every = 1 };
	struct shape_saved saved;
	int64_t all_ns = sum_of(profile, VALUE_CPU);

	add_more(profile);
	shape_apply(profile, &shape, &saved);
	CHECK_EQ(sum_of(profile, VALUE_SAMPLES), 600);
	CHECK_EQ(sum_of(profile, VALUE_CPU), all_ns);
	CHECK_EQ(profile->samples.n, 2);
	shape_restore(profile, &saved);
	profile_free(profile);
	vec_clear(&last);
}

TEST(a_client_may_have_one_thread)
{
	struct profile *profile = new_profile();
	struct vec none = VEC_OF(struct profile_sample);
	struct shape shape = { .base = &none, .every = 1, .tid = 2,
			       .has_threads = true };
	struct shape_saved saved;

	shape_apply(profile, &shape, &saved);
	CHECK_EQ(sum_of(profile, VALUE_SAMPLES), 200);
	CHECK_EQ(profile->samples.n, 1);
	CHECK_STR(shape_label(profile, vec_at(&profile->samples, 0),
			      LABEL_THREAD_ID), "2");
	shape_restore(profile, &saved);
	profile_free(profile);
}

TEST_MAIN()
