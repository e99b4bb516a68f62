/* SPDX-License-Identifier: MIT */
/* test_priority.c - a sampler that spins must not starve the machine. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "sampler/priority.h"
#include "sampler/sampler.h"
#include "util/clock.h"

#define SPIN_MAX_NS (2 * NS_PER_S)

static struct sampler sampler;

static int policy_now(void)
{
	return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
}

/* CPU time until its policy is an ordinary one, or -1. */
static void *raise_and_spin(void *arg)
{
	int64_t *out = arg, begin_ns, now;

	priority_raise(&sampler);
	if (!sampler.is_fifo)
		return NULL;
	begin_ns = now = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	*out = -1;
	while (policy_now() != SCHED_OTHER && now - begin_ns < SPIN_MAX_NS)
		now = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	if (policy_now() == SCHED_OTHER)
		*out = now - begin_ns;
	return NULL;
}

TEST(a_sampler_that_spins_is_made_an_ordinary_thread_within_a_fifth_second)
{
	int64_t spun_ns = 0;
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, raise_and_spin, &spun_ns));
	pthread_join(thread, NULL);
	if (!sampler.is_fifo)
		SKIP("nobody's priority may be raised here");
	printf("# after %.0f ms\n", (double)spun_ns / NS_PER_MS);
	CHECK(spun_ns > 0);
	CHECK(spun_ns < NS_PER_S / 5);
}

TEST_MAIN()
