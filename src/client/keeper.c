/* SPDX-License-Identifier: MIT */
/*
 * keeper.c - starts psample so that the program has no child to hear of.
 *
 * A child that calls exec tells its parent of its death by SIGCHLD, however
 * it was made (de_thread() in the kernel), and any wait of the program's could
 * find it. So psample is the child of a keeper: a process that was cloned with
 * no exit signal, which only waits with __WALL or __WCLONE find (wait(2)). It
 * shares the program's memory, so it costs no copy of page tables, and makes
 * system calls only: neither libc nor anything of the program's is touched.
 * Its thread pointer is a block of ours, since that of the thread that made
 * it goes away with that thread.
 */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FDS_FROM 16 /* out of the way of those that psample gets */
#define FDS_MAX 65536
#define CPU_WORDS 128 /* of a mask for 8,192 CPUs */
#define SIGSET_BYTES 8

static inline long call5(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long call(long nr, long a, long b, long c, long d)
{
	return call5(nr, a, b, c, d, 0);
}

/* clone(2) into @entry(room) on a stack of its own; @entry never returns. */
static long clone_into(struct client_room *room, unsigned long flags,
		       char *stack_top, void (*entry)(struct client_room *))
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = (long)room->thread_block;
	register struct client_room *r12 __asm__("r12") = room;
	register void (*r13)(struct client_room *) __asm__("r13") = entry;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r12, %%rdi\n\t"
			 "call *%%r13\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(stack_top),
			   "d"(&room->program_pid), "r"(r10), "r"(r8),
			   "r"(r12), "r"(r13)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

static void __attribute__((noreturn)) leave(int status)
{
	for (;;)
		call(SYS_exit_group, status, 0, 0, 0);
}

/* Handlers of the program must not run in here: none, before any can. */
static void reset_signals(void)
{
	const unsigned long action[4] = { 0 }; /* SIG_DFL, no flags, no mask */
	const uint64_t none = 0;

	for (int number = 1; number <= 64; number++)
		call(SYS_rt_sigaction, number, (long)action, 0, SIGSET_BYTES);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, SIGSET_BYTES);
}

/* A thread that is bound to a CPU must not have psample bound to the same. */
static void allow_all_cpus(void)
{
	volatile unsigned long mask[CPU_WORDS]; /* no call of memset */

	for (int i = 0; i < CPU_WORDS; i++)
		mask[i] = ~0ul;
	call(SYS_sched_setaffinity, 0, sizeof(mask), (long)mask, 0);
}

static void program_main(struct client_room *room)
{
	reset_signals();
	allow_all_cpus();
	room->exec_errno = (int)-call(SYS_execve, (long)room->path,
				      (long)room->words,
				      (long)room->environment, 0);
	leave(127);
}

/* Ours become 0 to 3; of the program's none is held open. */
static void arrange_fds(struct client_room *room)
{
	long fds[4];

	for (int i = 0; i < 4; i++)
		fds[i] = call(SYS_fcntl, room->fds[i], F_DUPFD, FDS_FROM, 0);
	for (int i = 0; i < 4; i++)
		call(SYS_dup2, fds[i], i, 0, 0);
	if (call(SYS_close_range, 4, ~0u, 0, 0) >= 0)
		return;
	for (int fd = 4; fd < FDS_MAX; fd++) /* Linux before 5.9 */
		call(SYS_close, fd, 0, 0, 0);
}

static void keeper_main(struct client_room *room)
{
	static const char name[] = "psample-keeper";
	long pid, n;
	char go;

	call(SYS_prctl, PR_SET_NAME, (long)name, 0, 0);
	arrange_fds(room);
	call(SYS_setsid, 0, 0, 0, 0); /* ^C is for the program */
	do
		n = call(SYS_read, 3, (long)&go, 1, 0);
	while (n == -EINTR);
	if (n != 1)
		leave(0);
	/* Its pid goes to room->program_pid before it runs. */
	pid = clone_into(room,
			 CLONE_VM | CLONE_VFORK | CLONE_SETTLS |
				 CLONE_PARENT_SETTID | SIGCHLD,
			 room->program_stack + CLIENT_STACK_BYTES,
			 program_main);
	if (pid < 0)
		room->exec_errno = (int)-pid;
	for (int fd = 0; fd < 4; fd++)
		call(SYS_close, fd, 0, 0, 0);
	if (pid > 0)
		while (call(SYS_wait4, pid, 0, __WALL, 0) == -EINTR)
			;
	leave(0);
}

pid_t client_keeper_start(struct client_room *room)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t before = 0;
	long pid;

	room->thread_block[0] = (uintptr_t)room->thread_block;
	room->thread_block[2] = (uintptr_t)room->thread_block;
	/* libc would leave its own two signals out. */
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before,
	     SIGSET_BYTES);
	pid = clone_into(room, CLONE_VM | CLONE_SETTLS,
			 room->keeper_stack + CLIENT_STACK_BYTES,
			 keeper_main);
	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGSET_BYTES);
	return (pid_t)pid;
}
