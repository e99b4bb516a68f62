/* SPDX-License-Identifier: MIT */
/* test_sched_file.c - the time at which a thread left its core. */
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/sched_file.h"

static bool read_text(const char *text, uint64_t *out_ns)
{
	int fd = memfd_create("sched", MFD_CLOEXEC);
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		    sched_file_read(fd, out_ns);

	close(fd);
	return done;
}

TEST(the_time_is_read_in_nanoseconds)
{
	uint64_t ns = 0;

	CHECK(read_text("redis-server (4711, #threads: 5)\n"
			"----------------------------------\n"
			"se.exec_start           :      33788190.472372\n"
			"se.vruntime             :        595507.292881\n",
			&ns));
	CHECK_EQ(ns, 33788190472372);
}

TEST(a_name_that_looks_like_the_key_is_none)
{
	uint64_t ns = 0;

	CHECK(read_text("\nse.exec_start (4711, #threads: 1)\n"
			"----------------------------------\n"
			"se.exec_start           :             7.000001\n",
			&ns));
	CHECK_EQ(ns, 7000001);
}

TEST(other_numbers_are_refused)
{
	uint64_t ns = 0;

	CHECK(!read_text("", &ns));
	CHECK(!read_text("a (1, #threads: 1)\nse.vruntime : 1.000000\n",
			 &ns));
	CHECK(!read_text("a (1, #threads: 1)\nse.exec_start : 17\n", &ns));
	CHECK(!read_text("a (1, #threads: 1)\nse.exec_start : 1.5\n", &ns));
	CHECK(!read_text("\nse.exec_start", &ns));
}

TEST(our_own_time_goes_forward)
{
	int fd = sched_file_open(getpid(), getpid());
	uint64_t before = 0, after = 0;

	if (fd < 0) {
		puts("# no /proc/PID/task/TID/sched in this kernel");
		return;
	}
	CHECK(sched_file_read(fd, &before));
	usleep(2000);
	CHECK(sched_file_read(fd, &after));
	CHECK(after > before);
	close(fd);
}

TEST_MAIN()
