/* SPDX-License-Identifier: MIT */
/* test_labels.c - the table of labels: libpsample writes, psample reads. */
#include "sampler/labels.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/client.h"

#include "check.h"

static uint8_t text[LABELS_TEXT_BYTES];

static uint32_t read_own(void)
{
	return labels_read((pid_t)syscall(SYS_gettid),
			   client_labels_address(), text);
}

static size_t labels_in(struct profile *profile, const void *bytes, size_t len)
{
	uint32_t base = profile_labels(profile, NULL, 0);
	size_t n;

	profile_label_set(profile, labels_add(profile, base, bytes, len), &n);
	return n;
}

TEST(what_a_thread_says_is_read)
{
	CHECK_EQ(read_own(), 0);
	CHECK_EQ(psample_label("a", "1", NULL), 0);
	CHECK_EQ(read_own(), 4);
	CHECK(!memcmp(text, "a\0" "1", 4));
	CHECK_EQ(psample_label("b", "22", NULL), 0);
	CHECK_EQ(psample_label("a", NULL, NULL), 0);
	CHECK_EQ(read_own(), 5);
	CHECK(!memcmp(text, "b\0" "22", 5));
	CHECK_EQ(psample_label("b", NULL, NULL), 0);
	CHECK_EQ(read_own(), 0);
}

static void *say_and_end(void *tid)
{
	*(pid_t *)tid = (pid_t)syscall(SYS_gettid);
	return (void *)(intptr_t)psample_label("k", "v", NULL);
}

TEST(the_entry_of_a_thread_ends_with_it)
{
	for (int i = 0; i < 3000; i++) { /* more than there are entries */
		pthread_t thread;
		void *result;
		pid_t tid;

		CHECK_EQ(pthread_create(&thread, NULL, say_and_end, &tid), 0);
		pthread_join(thread, &result);
		CHECK_EQ((intptr_t)result, 0);
		CHECK_EQ(labels_read(tid, client_labels_address(), text), 0);
	}
}

TEST(a_table_that_is_not_there_has_no_labels)
{
	CHECK_EQ(labels_read((pid_t)syscall(SYS_gettid), 64, text), 0);
	CHECK_EQ(labels_read((pid_t)syscall(SYS_gettid), ~UINT64_C(63), text),
		 0);
}

TEST(a_text_counts_up_to_its_last_whole_pair)
{
	static const char whole[] = "a\0" "1\0" "b\0" "2";
	struct profile *profile = profile_new();

	CHECK_EQ(labels_in(profile, whole, sizeof(whole)), 2);
	for (size_t len = 0; len < sizeof(whole); len++)
		CHECK_EQ(labels_in(profile, whole, len), len / 4);
	CHECK_EQ(labels_in(profile, "\0" "1\0" "a\0" "\0" "b\0" "2", 10), 1);
	CHECK_EQ(labels_in(profile, "\xff\xfe\0" "\x80", 5), 1);
	profile_free(profile);
}

TEST(more_labels_than_are_taken_do_no_harm)
{
	struct profile *profile = profile_new();
	char many[LABELS_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? '\0' : 'x';
	CHECK_EQ(labels_in(profile, many, sizeof(many)), LABELS_MAX + 4);
	profile_free(profile);
}

TEST_MAIN()
