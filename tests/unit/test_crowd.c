/* SPDX-License-Identifier: MIT */
/* test_crowd.c - which of many runnable threads may be on a core. */
#include "check.h"
#include "sampler/crowd.h"
#include "sampler/thread.h"
#include "util/clock.h"
#include "util/mem.h"

#define MS NS_PER_MS
#define N_THREADS 8
#define START_NS (1000 * MS)

struct crowd {
	struct thread threads[N_THREADS];
	struct thread *list[N_THREADS];
};

/* The thread has run and waited for this long, in all. */
static void account(struct thread *thread, int64_t run_ns, int64_t wait_ns)
{
	thread->seen.run_ns += (uint64_t)run_ns;
	thread->seen.wait_ns += (uint64_t)wait_ns;
}

static void stop(struct thread *thread, int64_t at_ns)
{
	crowd_note_stop(thread, &thread->seen, at_ns, at_ns);
}

/* Two stops, between which it did not sleep; booked up to @booked_ns since. */
static void make_steady(struct thread *thread, int64_t booked_ns)
{
	*thread = (struct thread){ .seen = { .run_ns = 77, .wait_ns = 5 } };
	stop(thread, START_NS - 10 * MS);
	account(thread, 4 * MS, 6 * MS);
	stop(thread, START_NS);
	account(thread, booked_ns / 2, booked_ns - booked_ns / 2);
}

/* The @i-th thread is booked up to @i ms behind START_NS. */
static void make_crowd(struct crowd *crowd)
{
	for (int i = 0; i < N_THREADS; i++) {
		crowd->list[i] = &crowd->threads[i];
		make_steady(crowd->list[i], i * MS);
	}
}

/* As a mask: those that are to be stopped, of two cores. */
static unsigned chosen(const struct crowd *crowd, int64_t now_ns)
{
	int64_t bound_ns = crowd_bound(crowd->list, N_THREADS, 2);
	unsigned mask = 0;

	for (int i = 0; i < N_THREADS; i++)
		if (!crowd_passes_over(crowd->list[i], bound_ns, now_ns))
			mask |= 1u << i;
	return mask;
}

TEST(two_for_each_core_are_those_booked_last)
{
	struct crowd crowd;

	make_crowd(&crowd);
	CHECK_EQ(chosen(&crowd, START_NS + 8 * MS), 0xf0);
}

TEST(who_was_not_stopped_for_long_is_asked_again)
{
	struct crowd crowd;

	make_crowd(&crowd);
	CHECK_EQ(chosen(&crowd, START_NS + 40 * MS), 0xff);
}

TEST(who_slept_before_a_stop_is_not_passed_over)
{
	struct crowd crowd;

	make_crowd(&crowd);
	stop(crowd.list[0], START_NS + 5 * MS); /* of which 5 are missing */
	stop(crowd.list[7], START_NS + 7 * MS);
	CHECK(!crowd.list[0]->is_steady);
	CHECK(crowd.list[7]->is_steady);
	CHECK_EQ(chosen(&crowd, START_NS + 8 * MS), 0xf1);
}

TEST(who_slept_between_two_looks_is_not_passed_over)
{
	struct crowd crowd;

	make_crowd(&crowd);
	crowd_note_look(crowd.list[1], 0, START_NS + 4 * MS);
	CHECK(crowd.list[1]->is_steady); /* it may still wait */
	account(crowd.list[1], MS, 0);
	crowd_note_look(crowd.list[1], 1, START_NS + 12 * MS);
	CHECK(!crowd.list[1]->is_steady);
	CHECK_EQ(chosen(&crowd, START_NS + 12 * MS), 0xf2);
}

TEST(nobody_is_passed_over_where_it_cannot_be_told)
{
	struct crowd crowd;

	make_crowd(&crowd);
	CHECK_EQ(crowd_bound(crowd.list, N_THREADS, 4), INT64_MIN);
	CHECK_EQ(crowd_bound(crowd.list, 4, 2), INT64_MIN);
	for (int i = 0; i < 5; i++) /* too few are left to judge by */
		crowd.list[i]->is_steady = false;
	CHECK_EQ(chosen(&crowd, START_NS + 8 * MS), 0xff);
	make_crowd(&crowd);
	crowd.list[3]->n_slices = 100; /* it yields its core at each turn */
	CHECK_EQ(chosen(&crowd, START_NS + 8 * MS), 0xff);
}

TEST_MAIN()
