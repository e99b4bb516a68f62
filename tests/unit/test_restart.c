/* SPDX-License-Identifier: MIT */
/* test_restart.c - which results of calls are set back to restart. */
#include "arch/restart.h"

#include <errno.h>
#include <sys/syscall.h>

#include "check.h"

static bool repairs(long nr, long result, bool has_seccomp)
{
	struct user_regs_struct regs = {
		.orig_rax = (unsigned long)nr,
		.rax = (unsigned long)result,
	};
	long changed = 0;

	return restart_repair(&regs, has_seccomp, &changed) &&
	       changed == -514;
}

TEST(eintr_of_the_listed_calls_is_repaired)
{
	CHECK(repairs(SYS_epoll_wait, -EINTR, false));
	CHECK(repairs(SYS_semtimedop, -EINTR, false));
	CHECK(repairs(SYS_rt_sigtimedwait, -EINTR, false));
	CHECK(repairs(SYS_recvfrom, -EINTR, false));
	CHECK(repairs(SYS_io_uring_enter, -EINTR, false));
}

TEST(close_and_other_calls_are_never_repeated)
{
	CHECK(!repairs(SYS_close, -EINTR, false));
	CHECK(!repairs(SYS_close, -EINTR, true));
	CHECK(!repairs(SYS_ioctl, -EINTR, true));
	CHECK(!repairs(SYS_futex, -EINTR, false));
}

static bool is_short_random(long nr, long result, uint64_t asked)
{
	struct user_regs_struct regs = {
		.orig_rax = (unsigned long)nr,
		.rax = (unsigned long)result,
		.rsi = asked,
	};
	long changed = 0;

	return restart_is_short_random(&regs, 1000000, &changed) &&
	       changed == -514;
}

TEST(a_short_getrandom_is_known)
{
	CHECK(is_short_random(SYS_getrandom, 4096, 100000));
	CHECK(!is_short_random(SYS_getrandom, 100000, 100000));
	CHECK(!is_short_random(SYS_getrandom, 4096, 2000000));
	CHECK(!is_short_random(SYS_getrandom, -EINTR, 100000));
	CHECK(!is_short_random(SYS_read, 4096, 100000));
}

TEST(results_other_than_eintr_stay)
{
	CHECK(!repairs(SYS_epoll_wait, 3, false));
	CHECK(!repairs(SYS_epoll_wait, 0, true));
	CHECK(!repairs(SYS_epoll_wait, -EBADF, false));
	CHECK(!repairs(SYS_read, -512, true));
}

TEST(a_restart_block_is_replaced_only_under_seccomp)
{
	CHECK(repairs(SYS_nanosleep, -516, true));
	CHECK(!repairs(SYS_nanosleep, -516, false));
}

TEST(user_code_is_left_alone)
{
	CHECK(!repairs(-1, -EINTR, true));
	CHECK(!repairs(-1, -516, true));
}

TEST_MAIN()
