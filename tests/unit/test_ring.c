/* SPDX-License-Identifier: MIT */
/* test_ring.c - the queue between sampler and unwinder. */
#include "sampler/ring.h"

#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "sampler/priority.h"

static bool put(struct ring *ring, const void *bytes, size_t len, size_t spare)
{
	void *room = ring_reserve(ring, len, spare);

	if (!room)
		return false;
	memcpy(room, bytes, len);
	ring_commit(ring, len);
	return true;
}

TEST(an_empty_ring_has_nothing_to_read)
{
	struct ring ring;
	size_t len;

	CHECK(!ring_init(&ring));
	CHECK(ring_peek(&ring, &len) == NULL);
	CHECK_EQ(ring_pending(&ring), 0);
	ring_clear(&ring);
}

TEST(records_come_out_in_order_also_across_the_end_of_the_buffer)
{
	struct ring ring;
	uint32_t record[1000];
	uint32_t written = 0, seen = 0, wrong = 0;
	size_t len;

	CHECK(!ring_init(&ring));
	memset(record, 0, sizeof(record));
	/* Twelve laps, records of changing length, up to three pending. */
	while (written < 100000) {
		size_t bytes = 4 + written * 7 % (sizeof(record) - 4);
		const uint32_t *first;

		record[0] = written;
		if (!put(&ring, record, bytes, 0))
			wrong++;
		written++;
		if (written % 3)
			continue;
		while ((first = ring_peek(&ring, &len))) {
			if (*first != seen ||
			    len != 4 + seen * 7 % (sizeof(record) - 4))
				wrong++;
			seen++;
			ring_release(&ring);
		}
	}
	CHECK_EQ(wrong, 0);
	CHECK_EQ(seen, written - written % 3);
	ring_clear(&ring);
}

TEST(a_full_ring_refuses_and_keeps_what_it_has)
{
	static char bytes[1 << 16];
	struct ring ring;
	size_t len, n = 0, back = 0;

	CHECK(!ring_init(&ring));
	while (put(&ring, bytes, sizeof(bytes), 1 << 16))
		n++;
	CHECK(n > RING_BYTES / sizeof(bytes) - 4);
	CHECK(n < RING_BYTES / sizeof(bytes));
	/* The spare room is for small records. */
	CHECK(put(&ring, bytes, 64, 0));
	while (ring_peek(&ring, &len)) {
		back++;
		ring_release(&ring);
	}
	CHECK_EQ(back, n + 1);
	CHECK(put(&ring, bytes, sizeof(bytes), 0));
	ring_clear(&ring);
}

TEST(what_is_reserved_and_not_committed_is_never_seen)
{
	struct ring ring;
	size_t len;

	CHECK(!ring_init(&ring));
	CHECK(ring_reserve(&ring, 100, 0) != NULL);
	CHECK(ring_peek(&ring, &len) == NULL);
	CHECK(put(&ring, "x", 1, 0));
	CHECK(ring_peek(&ring, &len) != NULL);
	CHECK_EQ(len, 1);
	ring_clear(&ring);
}

TEST(its_reader_goes_before_others_only_while_it_is_filling)
{
	int before = getpriority(PRIO_PROCESS, 0);
	struct hurry hurry = { 0 };

	if (setpriority(PRIO_PROCESS, 0, before - 1))
		SKIP("nobody's priority may be raised here");
	CHECK(!setpriority(PRIO_PROCESS, 0, before));
	hurry_update(&hurry, RING_BYTES / 8, RING_BYTES);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), before);
	hurry_update(&hurry, RING_BYTES / 2, RING_BYTES);
	CHECK(getpriority(PRIO_PROCESS, 0) < before);
	hurry_update(&hurry, RING_BYTES / 8, RING_BYTES);
	CHECK(getpriority(PRIO_PROCESS, 0) < before);
	hurry_update(&hurry, 0, RING_BYTES);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), before);
}

TEST_MAIN()
