/* SPDX-License-Identifier: MIT */
/* tracee.c - ptrace(2) and waitid(2), narrowed to what psample needs. */
#include "target/tracee.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "target/proc.h"
#include "util/clock.h"

#define SPIN_NS (2 * NS_PER_MS)

static enum tracee_result tracee_request(int request, pid_t tid, void *addr,
					 void *data)
{
	return ptrace(request, tid, addr, data) == -1 ? TRACEE_GONE
						      : TRACEE_OK;
}

static void *as_data(long value)
{
	return (void *)value; // NOLINT: ptrace takes numbers as pointers
}

static long make_options(bool threads, bool children)
{
	long options = PTRACE_O_TRACEEXEC;

	if (threads)
		options |= PTRACE_O_TRACECLONE;
	if (children)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	return options;
}

int tracee_seize(pid_t tid, bool children)
{
	long options = make_options(true, children);

	return ptrace(PTRACE_SEIZE, tid, NULL, as_data(options)) ? errno : 0;
}

enum tracee_result tracee_tell_births(pid_t tid, bool threads, bool children)
{
	return tracee_request(PTRACE_SETOPTIONS, tid, NULL,
			      as_data(make_options(threads, children)));
}

int tracee_seize_beginner(pid_t tid)
{
	long options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;

	return ptrace(PTRACE_SEIZE, tid, NULL, as_data(options)) ? errno : 0;
}

static int seize_living(pid_t tid, long options)
{
	int err = ptrace(PTRACE_SEIZE, tid, NULL, as_data(options))
			  ? errno : 0;
	struct proc_stat stat;

	/* The kernel does not permit it for those that have ended. */
	if (err == EPERM && (!proc_read_stat(tid, tid, &stat) ||
			     stat.state == 'Z' || stat.state == 'X'))
		return ESRCH;
	return err;
}

int tracee_seize_for_events(pid_t tid, bool children)
{
	long options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;

	if (children)
		options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			   PTRACE_O_TRACEVFORK;
	return seize_living(tid, options);
}

int tracee_seize_silently(pid_t tid)
{
	return seize_living(tid, 0);
}

void tracee_pass_time(int64_t begin_ns)
{
	struct timespec moment = timespec_of_ns(100 * NS_PER_US);

	if (clock_now_ns() - begin_ns < SPIN_NS)
		sched_yield();
	else
		nanosleep(&moment, NULL);
}

enum tracee_result tracee_resume_to_call(pid_t tid, int signal)
{
	return tracee_request(PTRACE_SYSCALL, tid, NULL, as_data(signal));
}

enum tracee_result tracee_interrupt(pid_t tid)
{
	return tracee_request(PTRACE_INTERRUPT, tid, NULL, NULL);
}

enum tracee_result tracee_resume(pid_t tid, int signal)
{
	return tracee_request(PTRACE_CONT, tid, NULL, as_data(signal));
}

enum tracee_result tracee_listen(pid_t tid)
{
	return tracee_request(PTRACE_LISTEN, tid, NULL, NULL);
}

enum tracee_result tracee_detach(pid_t tid, int signal)
{
	return tracee_request(PTRACE_DETACH, tid, NULL, as_data(signal));
}

enum tracee_result tracee_get_regs(pid_t tid, struct user_regs_struct *out)
{
	struct iovec iov = { .iov_base = out, .iov_len = sizeof(*out) };

	return tracee_request(PTRACE_GETREGSET, tid, as_data(NT_PRSTATUS),
			      &iov);
}

enum tracee_result tracee_set_regs(pid_t tid,
				   const struct user_regs_struct *regs)
{
	struct user_regs_struct copy = *regs;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };

	return tracee_request(PTRACE_SETREGSET, tid, as_data(NT_PRSTATUS),
			      &iov);
}

enum tracee_result tracee_set_result(pid_t tid,
				     const struct user_regs_struct *regs,
				     long result)
{
	struct user_regs_struct changed = *regs;
	struct iovec iov = { .iov_base = &changed,
			     .iov_len = sizeof(changed) };

	changed.rax = (unsigned long)result;
	return tracee_request(PTRACE_SETREGSET, tid, as_data(NT_PRSTATUS),
			      &iov);
}

enum tracee_result tracee_event_message(pid_t tid, unsigned long *out)
{
	return tracee_request(PTRACE_GETEVENTMSG, tid, NULL, out);
}

static int exit_status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return W_EXITCODE(info->si_status, 0);
	return W_EXITCODE(0, info->si_status) |
	       (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

static void event_from_info(const siginfo_t *info, struct wait_event *out)
{
	*out = (struct wait_event){ .tid = info->si_pid };
	if (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
	    info->si_code == CLD_DUMPED) {
		out->is_exit = true;
		out->status = exit_status_of(info);
		return;
	}
	out->signal = info->si_status & 0xff;
	out->event = info->si_status >> 8;
}

bool tracee_wait_stop(pid_t tid, struct wait_event *out)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL) ||
	    !info.si_pid)
		return false;
	event_from_info(&info, out);
	return true;
}

bool tracee_wait_exit(pid_t pid, struct wait_event *out)
{
	int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
	siginfo_t info = { 0 };

	if (waitid(pid ? P_PID : P_ALL, (id_t)pid, &info, options) ||
	    !info.si_pid)
		return false;
	event_from_info(&info, out);
	return true;
}

bool tracee_wait_exit_of_others(struct wait_event *out)
{
	return tracee_wait_exit(0, out);
}

bool tracee_wait(pid_t tid, struct wait_event *out)
{
	int options = WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL |
		      __WNOTHREAD;
	siginfo_t info = { 0 };

	if (waitid(tid ? P_PID : P_ALL, (id_t)tid, &info, options) ||
	    !info.si_pid)
		return false;
	event_from_info(&info, out);
	/* Take the stop away; it may have turned into an exit meanwhile, then
	 * this event is void and the exit comes next. */
	if (!out->is_exit)
		return tracee_wait_stop(info.si_pid, out) ||
		       tracee_wait(tid, out);
	return true;
}

bool tracee_await(void)
{
	int options = WEXITED | WSTOPPED | WNOWAIT | __WALL | __WNOTHREAD;
	siginfo_t info;

	return !waitid(P_ALL, 0, &info, options) || errno != ECHILD;
}

void tracee_reap(pid_t tid)
{
	waitpid(tid, NULL, WNOHANG | __WALL);
}

bool tracee_is_ours(pid_t tid)
{
	int options = WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL |
		      __WNOTHREAD;
	siginfo_t info;

	return !waitid(P_PID, (id_t)tid, &info, options);
}

/* Slower, but there where process_vm_readv() is forbidden or not built in. */
static ssize_t read_by_mem_file(pid_t tid, taddr addr, void *buf, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = pread(fd, buf, len, (off_t)addr);
	close(fd);
	return n;
}

ssize_t target_read(pid_t tid, taddr addr, void *buf, size_t len)
{
	struct iovec local = { .iov_base = buf, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)addr, .iov_len = len };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (n >= 0)
		return n;
	if (errno == EFAULT)
		return 0;
	if (errno == ESRCH)
		return -1;
	return read_by_mem_file(tid, addr, buf, len);
}
