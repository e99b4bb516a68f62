/* SPDX-License-Identifier: MIT */
/* attach.c - borrow a thread of a running program for the stub. */
#include "heap/attach.h"

#include <elf.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/restart.h"
#include "heap/found.h"
#include "heap/linkmap.h"
#include "target/permission.h"
#include "target/proc.h"
#include "target/tracee.h"
#include "target/visit.h"
#include "util/clock.h"

#define LINKER_WAIT_NS NS_PER_S
#define THREAD_WAIT_NS (2 * NS_PER_S)
#define VISITS_MAX 64
#define SYSCALL_BYTES 2
#define STACK_SPARE 2048 /* below the frame, for a signal */

struct rseq_area { /* linux/rseq.h */
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
};

struct rseq_section {
	uint32_t version, flags;
	uint64_t start, bytes, abort;
};

struct borrow {
	struct inject *inject;
	pid_t tid;
	enum filtered_mode mode; /* before it was stopped */
};

/* Between dlopen(3) and its end nothing can be told. */
static struct error *await_linker(struct inject *inject)
{
	struct timespec moment = timespec_of_ns(NS_PER_MS);
	int64_t bound_ns = clock_now_ns() + LINKER_WAIT_NS;

	inject->debug = link_find_debug(inject->mem_fd,
					proc_auxv(inject->pid, AT_PHDR),
					proc_auxv(inject->pid, AT_PHNUM));
	if (!inject->debug)
		return error_new("its dynamic linker has no list of modules");
	while (!link_is_consistent(inject->mem_fd, inject->debug)) {
		if (clock_now_ns() > bound_ns)
			return error_new("its dynamic linker is at work and "
					 "does not come to an end");
		nanosleep(&moment, NULL);
	}
	return NULL;
}

struct error *attach_inspect(struct inject *inject, const struct space *space)
{
	struct error *error = inject->is_static
				      ? NULL : inject_check_dynamic(inject);

	filtered_init(&inject->filtered);
	if (error)
		return error;
	if (visit_has_shadow_stack(inject->pid))
		return error_new("its threads have shadow stacks, which only "
				 "calls may lead through");
	error = filtered_survey(&inject->filtered, inject->pid);
	if (!error && !inject->is_static)
		error = await_linker(inject);
	return error ? error : inject_prepare(inject, space);
}

/*
 * In these calls a signal must not be followed by another wait: the mask of
 * signals changes with them.
 */
static bool is_delicate(long nr)
{
	return nr == SYS_pause || nr == SYS_rt_sigsuspend ||
	       nr == SYS_pselect6 || nr == SYS_ppoll ||
	       nr == SYS_epoll_pwait || nr == SYS_epoll_pwait2 ||
	       nr == SYS_rt_sigtimedwait || nr == SYS_io_pgetevents ||
	       nr == SYS_rt_sigreturn;
}

/* A jump from such a section would be taken for its end (rseq(2)). */
static bool is_in_rseq(pid_t tid, taddr rseq, taddr pc)
{
	struct rseq_area area;
	struct rseq_section section;

	if (!rseq ||
	    target_read(tid, rseq, &area, sizeof(area)) != sizeof(area) ||
	    !area.rseq_cs)
		return false;
	return target_read(tid, area.rseq_cs, &section, sizeof(section)) !=
		       sizeof(section) ||
	       pc - section.start < section.bytes;
}

/*
 * What the kernel would do when the thread goes on: issue its call again.
 * False: the thread is not where it is safe to do so.
 */
static bool restart_call(pid_t tid, struct user_regs_struct *regs,
			 bool may_restart)
{
	uint8_t code[SYSCALL_BYTES];
	long result = (long)regs->rax, changed;
	long nr = user_syscall(regs);

	if (nr < 0)
		return true;
	if (is_delicate(nr))
		return false;
	if (restart_repair(regs, false, &changed))
		result = changed;
	if (result < -516 || result > -512)
		return true; /* it is done */
	if (target_read(tid, regs->rip - SYSCALL_BYTES, code, sizeof(code)) !=
		    sizeof(code) ||
	    code[0] != 0x0f || code[1] != 0x05)
		return false;
	regs->rip -= SYSCALL_BYTES;
	if (result == -516 && may_restart)
		nr = SYS_restart_syscall;
	regs->rax = (unsigned long)nr; /* its timeout may begin anew */
	return true;
}

/*
 * Look through the thread, not the open file: it may run another program by
 * now, and then its stub is not there.
 */
static bool has_stub(pid_t tid, taddr addr)
{
	uint8_t code[1024];
	size_t len = stub_bytes();

	return len <= sizeof(code) &&
	       target_read(tid, addr, code, len) == (ssize_t)len &&
	       !memcmp(code, stub_code(), len);
}

static bool send_there(void *ctx, struct user_regs_struct *regs, taddr rseq)
{
	const struct borrow *borrow = ctx;
	const struct inject *inject = borrow->inject;
	struct stub_frame frame;
	uint8_t spare[STACK_SPARE + sizeof(frame)];
	pid_t tid = borrow->tid;
	bool may_restart;

	if (user_is_32bit(regs) || !has_stub(tid, inject->stub.code) ||
	    !filtered_permits_stub(&inject->filtered, tid, borrow->mode,
				   &may_restart) ||
	    (user_syscall(regs) < 0 && is_in_rseq(tid, rseq, regs->rip)) ||
	    !restart_call(tid, regs, may_restart))
		return false;
	stub_enter(&inject->stub, regs, &frame);
	return target_read(tid, regs->rsp - STACK_SPARE, spare,
			   sizeof(spare)) == (ssize_t)sizeof(spare) &&
	       memfile_write(inject->mem_fd, regs->rsp, &frame,
			     sizeof(frame));
}

/* Without stopping it: is there hope? First who runs, then who waits. */
static bool is_suited(pid_t pid, pid_t tid, bool wants_running)
{
	enum task_activity activity = TASK_GONE;
	struct task_syscall call;
	struct proc_stat stat;
	int fd;

	if (!proc_read_stat(pid, tid, &stat) ||
	    (stat.state != 'R' && stat.state != 'S'))
		return false;
	fd = proc_open_syscall(pid, tid);
	if (fd >= 0) {
		activity = task_syscall_read(fd, &call);
		close(fd);
	}
	if (activity == TASK_RUNNABLE)
		return wants_running;
	return activity == TASK_BLOCKED && !wants_running && call.nr >= 0 &&
	       !is_delicate(call.nr);
}

/* One round through all threads. False: none was suited. */
static bool try_threads(struct inject *inject, bool wants_running,
			struct visit *visit, struct error **out_error)
{
	struct vec tids = VEC_OF(pid_t);
	struct borrow borrow = { .inject = inject };
	int n_visits = 0;
	bool is_done = false;

	*out_error = NULL;
	proc_list_threads(inject->pid, &tids);
	for (size_t i = 0; i < tids.n && !is_done && n_visits < VISITS_MAX;
	     i++) {
		pid_t tid = *(pid_t *)vec_at(&tids, i);

		if (!is_suited(inject->pid, tid, wants_running))
			continue;
		*visit = (struct visit){ .tid = tid, .change = send_there,
					 .ctx = &borrow };
		borrow.tid = tid;
		borrow.mode = filtered_mode(tid);
		n_visits++;
		switch (visit_thread(visit)) {
		case VISIT_DONE:
			is_done = true;
			break;
		case VISIT_DENIED:
			*out_error = attach_error(inject->pid, visit->err);
			is_done = true;
			break;
		case VISIT_UNFIT:
		case VISIT_SILENT:
		case VISIT_GONE:
			break;
		}
	}
	vec_clear(&tids);
	return is_done;
}

struct error *attach_enter(struct inject *inject, int64_t *out_held_ns)
{
	struct timespec moment = timespec_of_ns(10 * NS_PER_MS);
	int64_t bound_ns = clock_now_ns() + THREAD_WAIT_NS;
	struct error *error = inject_write_stub(inject);
	struct visit visit;

	if (error)
		return error;
	do {
		if (try_threads(inject, true, &visit, &error) ||
		    try_threads(inject, false, &visit, &error)) {
			*out_held_ns = visit.held_ns;
			return error;
		}
		nanosleep(&moment, NULL);
	} while (clock_now_ns() < bound_ns);
	error = error_new("none of its threads can be borrowed now");
	return error_hint(error, "cause: they are stopped, or wait in calls "
				 "like sigsuspend(2) or ppoll(2) that must "
				 "not be begun again");
}
