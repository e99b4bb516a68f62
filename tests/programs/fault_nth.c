/* SPDX-License-Identifier: MIT */
/*
 * fault_nth.c - run a program whose Nth system call fails, or kills it.
 *
 *	fault_nth [-k] [-o] -c FILE N PROGRAM [ARG...]
 *
 * Calls of all its threads are counted from its exec on, those of processes
 * that it makes are not: they would be traced, and nobody else could. -k sends
 * SIGKILL in place of an error, -o counts only calls that make or change
 * files. FILE is told how many calls there were, and the number of the one
 * that failed; N = 0 only counts. The status is that of the program, 128 + n
 * for signal n.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct fault {
	bool kills, only_output;
	const char *count_file;
	long n;

	long n_calls, failed_call;
	pid_t pid, tid; /* the program; the thread whose call fails, or 0 */
	int error;
	bool is_counting;
};

/*
 * Calls whose failure libc does not survive, or that cannot fail. brk(2):
 * malloc(3) of glibc 2.36 crashes, that of a program of one line too.
 */
static bool is_exempt(long nr)
{
	static const long exempt[] = {
		SYS_exit, SYS_exit_group, SYS_futex, SYS_rt_sigreturn,
		SYS_restart_syscall, SYS_munmap, SYS_set_robust_list,
		SYS_rseq, SYS_execve, SYS_arch_prctl, SYS_getpid, SYS_gettid,
		SYS_set_tid_address, SYS_close, SYS_brk,
	};

	for (size_t i = 0; i < sizeof(exempt) / sizeof(*exempt); i++)
		if (exempt[i] == nr)
			return true;
	return false;
}

static bool is_output(long nr)
{
	static const long output[] = {
		SYS_open, SYS_openat, SYS_write, SYS_pwrite64, SYS_writev,
		SYS_fsync, SYS_rename, SYS_renameat, SYS_renameat2,
		SYS_unlink, SYS_unlinkat, SYS_ftruncate, SYS_fchmod,
	};

	for (size_t i = 0; i < sizeof(output) / sizeof(*output); i++)
		if (output[i] == nr)
			return true;
	return false;
}

/* An error that this call may really have. */
static int error_of(long nr)
{
	switch (nr) {
	case SYS_mmap:
	case SYS_mremap:
	case SYS_mprotect:
		return ENOMEM;
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
		return EAGAIN;
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
	case SYS_pipe2:
	case SYS_memfd_create:
	case SYS_dup:
	case SYS_fcntl:
		return EMFILE;
	case SYS_ptrace:
	case SYS_process_vm_readv:
	case SYS_kill:
	case SYS_tgkill:
		return ESRCH;
	case SYS_wait4:
		return ECHILD;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_rename:
	case SYS_renameat2:
		return ENOSPC;
	default:
		return EIO;
	}
}

static void set_register(pid_t tid, size_t offset, long value)
{
	ptrace(PTRACE_POKEUSER, tid, offset, value);
}

/* ld.so (glibc 2.36) does not survive that its first mmap(2) fails. */
static bool is_of_linker(const struct fault *fault, long nr)
{
	return nr == SYS_mmap && fault->n_calls < 2;
}

/*
 * An eventfd(2) takes eight bytes, and always has room for ours; so has the
 * pipe whose one byte lets a launched program begin.
 */
static bool is_event(const struct __ptrace_syscall_info *info)
{
	return info->entry.nr == SYS_write &&
	       (info->entry.args[2] == 8 || info->entry.args[2] == 1);
}

static void at_entry(struct fault *fault, pid_t tid,
		     const struct __ptrace_syscall_info *info)
{
	long nr = (long)info->entry.nr;

	if (!fault->is_counting) {
		fault->is_counting = nr == SYS_execve;
		return;
	}
	if (is_exempt(nr) || is_event(info) || is_of_linker(fault, nr) ||
	    (fault->only_output && !is_output(nr)))
		return;
	if (++fault->n_calls != fault->n)
		return;
	fault->failed_call = nr;
	if (fault->kills) {
		kill(fault->pid, SIGKILL);
		return;
	}
	fault->tid = tid;
	fault->error = error_of(nr);
	set_register(tid, offsetof(struct user_regs_struct, orig_rax), -1);
}

static void at_call(struct fault *fault, pid_t tid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		at_entry(fault, tid, &info);
	} else if (fault->tid == tid) {
		fault->tid = 0;
		set_register(tid, offsetof(struct user_regs_struct, rax),
			     -fault->error);
	}
}

/* Answer one stop; the signal that the thread is to get. */
static int at_stop(struct fault *fault, pid_t tid, int status)
{
	int signo = WSTOPSIG(status);

	if (signo == (SIGTRAP | 0x80)) {
		at_call(fault, tid);
		return 0;
	}
	return status >> 16 ? 0 : signo;
}

static int watch(struct fault *fault)
{
	int status, last = 0;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (tid == fault->pid)
				last = status;
			continue;
		}
		ptrace(PTRACE_SYSCALL, tid, 0L,
		       (long)at_stop(fault, tid, status));
	}
	return WIFSIGNALED(last) ? 128 + WTERMSIG(last) : WEXITSTATUS(last);
}

static pid_t start(char **argv)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
		       PTRACE_O_EXITKILL;
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, WUNTRACED) != pid ||
	    ptrace(PTRACE_SEIZE, pid, 0L, options)) {
		perror("fault_nth");
		exit(125);
	}
	ptrace(PTRACE_INTERRUPT, pid, 0L, 0L);
	kill(pid, SIGCONT);
	return pid;
}

int main(int argc, char **argv)
{
	struct fault fault = { .failed_call = -1 };
	int option, status;
	FILE *file;

	while ((option = getopt(argc, argv, "+koc:")) != -1) {
		fault.kills |= option == 'k';
		fault.only_output |= option == 'o';
		if (option == 'c')
			fault.count_file = optarg;
	}
	if (argc - optind < 2 || !fault.count_file) {
		fputs("usage: fault_nth [-k] [-o] -c FILE N PROGRAM\n",
		      stderr);
		return 2;
	}
	fault.n = strtol(argv[optind], NULL, 10);
	fault.pid = start(argv + optind + 1);
	status = watch(&fault);
	file = fopen(fault.count_file, "w");
	if (!file || fprintf(file, "%ld %ld\n", fault.n_calls,
			     fault.failed_call) < 0 || fclose(file))
		perror(fault.count_file);
	return status;
}
