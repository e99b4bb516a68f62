/* SPDX-License-Identifier: MIT */
/*
 * tracee.h - the ptrace requests that psample uses, one thread at a time.
 *
 * All of them must be called by the thread that seized the tracee. A tracee
 * may vanish at any moment: that is an outcome (TRACEE_GONE), no failure.
 * Never used: ATTACH, SIGSTOP, EXITKILL, TRACEEXIT, breakpoints.
 */
#ifndef TARGET_TRACEE_H
#define TARGET_TRACEE_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/user.h>

#include "arch/regs.h"
#include "util/mem.h"

enum tracee_result {
	TRACEE_OK,
	TRACEE_GONE,
};

/*
 * Seize @tid and ask for events on clone and exec, and with @children on
 * fork and vfork. 0, or an errno value (EPERM, ESRCH).
 */
int tracee_seize(pid_t tid, bool children) MUST_USE;

/* Of a stopped thread: which births to be told of from now on. */
enum tracee_result tracee_tell_births(pid_t tid, bool threads, bool children);

/* Seize a program that begins: exec and system calls are told of. */
int tracee_seize_beginner(pid_t tid) MUST_USE;

/*
 * For the events of tracee_seize(), but for clone without @children; or for no
 * events at all. ESRCH also for a zombie, which the first thread of a process
 * that has others can be for long, and during each exec of another one.
 */
int tracee_seize_for_events(pid_t tid, bool children) MUST_USE;
int tracee_seize_silently(pid_t tid) MUST_USE;

/* Who has waited for a stop since @begin_ns waits on, but not for long. */
void tracee_pass_time(int64_t begin_ns);

/* Go on to the next entry or return of a system call. */
enum tracee_result tracee_resume_to_call(pid_t tid, int signal);

/* What struct wait_event has as signal at such a stop. */
#define TRACEE_CALL_SIGNAL 0x85 /* SIGTRAP | 0x80 */

enum tracee_result tracee_interrupt(pid_t tid);
enum tracee_result tracee_resume(pid_t tid, int signal);

/* Keep a group-stopped thread stopped, yet hear of its SIGCONT. */
enum tracee_result tracee_listen(pid_t tid);
enum tracee_result tracee_detach(pid_t tid, int signal);

enum tracee_result tracee_get_regs(pid_t tid, struct user_regs_struct *out);

enum tracee_result tracee_set_regs(pid_t tid,
				   const struct user_regs_struct *regs);

/* Set the result register of the call that the thread returns from. */
enum tracee_result tracee_set_result(pid_t tid,
				     const struct user_regs_struct *regs,
				     long result);
enum tracee_result tracee_event_message(pid_t tid, unsigned long *out);

/* One thing that a tracee did. */
struct wait_event {
	pid_t tid;
	bool is_exit;	/* the thread ended; it is still there to be read */
	int status;	/* is_exit: as from waitpid() */
	int signal;	/* stop signal */
	int event;	/* PTRACE_EVENT_*, or 0 for a signal-delivery-stop */
};

/*
 * The next event of @tid (0: of any tracee of the calling thread) without
 * blocking; false if there is none. An exit is only looked at: read the
 * clocks of the dead, then tracee_reap() it.
 */
bool tracee_wait(pid_t tid, struct wait_event *out);

/*
 * The next exit of a tracee of any thread of psample; stops are left to the
 * thread that they belong to. As with tracee_wait(), not yet reaped.
 */
bool tracee_wait_exit_of_others(struct wait_event *out);

/* The same of one of them, or of a child of psample that is not traced. */
bool tracee_wait_exit(pid_t pid, struct wait_event *out);

/* As tracee_wait() for one thread, stops only: one system call. */
bool tracee_wait_stop(pid_t tid, struct wait_event *out);

/*
 * Sleep until tracee_wait() has something to tell, or a signal came. False:
 * the calling thread has no tracees any more.
 */
bool tracee_await(void);

void tracee_reap(pid_t tid);

/* Does the calling thread trace it (or is it its parent)? */
bool tracee_is_ours(pid_t tid);

/*
 * Up to @len bytes of the memory that @tid sees at @addr: bytes read, 0 at
 * an unmapped address, -1 when it cannot be read at all (errno).
 */
ssize_t target_read(pid_t tid, taddr addr, void *buf, size_t len);

#endif
