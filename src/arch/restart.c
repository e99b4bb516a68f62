/* SPDX-License-Identifier: MIT */
/* restart.c - x86-64: registers, and which calls to restart after a stop. */
#include "arch/restart.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>

/* Not in user headers: include/linux/errno.h of the kernel. */
#define RESULT_RESTART_NOHAND (-514l)
#define RESULT_RESTART_BLOCK (-516l)

void regs_from_user(const struct user_regs_struct *user, struct regs *out)
{
	*out = (struct regs){
		.r = {
			[CPU_RAX] = user->rax, [CPU_RDX] = user->rdx,
			[CPU_RCX] = user->rcx, [CPU_RBX] = user->rbx,
			[CPU_RSI] = user->rsi, [CPU_RDI] = user->rdi,
			[CPU_FP] = user->rbp,  [CPU_SP] = user->rsp,
			[CPU_R8] = user->r8,   [CPU_R9] = user->r9,
			[CPU_R10] = user->r10, [CPU_R11] = user->r11,
			[CPU_R12] = user->r12, [CPU_R13] = user->r13,
			[CPU_R14] = user->r14, [CPU_R15] = user->r15,
			[CPU_PC] = user->rip,
		},
		.known = REGS_ALL_KNOWN,
	};
}

/*
 * Calls that were seen to answer -EINTR to a stop without a signal, and that
 * may be issued again unchanged. close() must never be here: the descriptor
 * is gone, and a second close could hit somebody else's.
 */
static bool is_repaired_call(long nr)
{
	switch (nr) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_rt_sigtimedwait:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_read: /* of a socket with SO_RCVTIMEO */
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_connect:
	case SYS_io_getevents:
	case SYS_io_uring_enter:
	case SYS_select: /* timeout in read-only memory */
	case SYS_pselect6:
		return true;
	default:
		return false;
	}
}

bool restart_repair(const struct user_regs_struct *user, bool has_seccomp,
		    long *out_result)
{
	long nr = user_syscall(user);
	long result = (long)user->rax;

	*out_result = RESULT_RESTART_NOHAND;
	if (nr < 0)
		return false;
	if (result == RESULT_RESTART_BLOCK)
		return has_seccomp;
	return result == -EINTR && is_repaired_call(nr);
}

bool restart_is_short_random(const struct user_regs_struct *user,
			     uint64_t max_bytes, long *out_result)
{
	long result = (long)user->rax;

	*out_result = RESULT_RESTART_NOHAND;
	return user_syscall(user) == SYS_getrandom && result > 0 &&
	       (uint64_t)result < user->rsi && user->rsi <= max_bytes;
}

bool restart_keeps_time(const struct user_regs_struct *user)
{
	switch (user_syscall(user)) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait: /* int timeout, -1: none */
		return (int)user->r10 < 0;
	case SYS_epoll_pwait2:
	case SYS_semtimedop: /* struct timespec *timeout */
		return !user->r10;
	case SYS_rt_sigtimedwait:
		return !user->rdx;
	case SYS_io_getevents:
		return !user->r8;
	case SYS_semop:
		return true;
	default: /* sockets: EINTR only where there is SO_RCVTIMEO */
		return false;
	}
}

bool call_may_sleep(long nr)
{
	if (is_repaired_call(nr) || restart_is_safe(nr))
		return nr != SYS_sendto && nr != SYS_sendmsg;
	switch (nr) {
	case SYS_readv:
	case SYS_pread64:
	case SYS_pselect6:
	case SYS_rt_sigsuspend:
	case SYS_restart_syscall:
	case SYS_io_pgetevents:
	case SYS_futex_waitv:
	case SYS_msgrcv:
	case SYS_mq_timedreceive:
	case SYS_flock:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_vfork:
	case SYS_sched_yield:
		return true;
	default:
		return false;
	}
}

bool restart_is_safe(long nr)
{
	switch (nr) {
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_poll:
	case SYS_ppoll:
	case SYS_futex:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_pause:
		return true;
	default:
		return false;
	}
}
