/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what /proc tells about processes and their threads (proc(5)).
 *
 * Text from /proc is hostile where a target chose it: comm may hold spaces,
 * parentheses and newlines. Answers of false mean that the task is gone.
 */
#ifndef TARGET_PROC_H
#define TARGET_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/regs.h"
#include "util/vec.h"

#define COMM_MAX 64

struct proc_stat {
	char comm[COMM_MAX];
	char state; /* R running, S, D, T stopped, t traced, Z zombie, ... */
	pid_t ppid;
	uint64_t start_ticks; /* since boot: (tid, this) names a thread */
	bool is_kernel_thread;
	int processor; /* the core it ran on last */
};

/* One thread; @tid may be the pid itself. */
bool proc_read_stat(pid_t pid, pid_t tid, struct proc_stat *out);

/* The name of a thread, as set by prctl(2); escaped: printable UTF-8. */
bool proc_read_comm(pid_t pid, pid_t tid, char out[COMM_MAX]);

/* The number behind "@key:" in /proc/PID/status, or -1. */
long proc_status_number(pid_t pid, const char *key);

/* The file that @pid executes, or "" if it may not be known. */
void proc_read_program(pid_t pid, char *out, size_t size);

/* The number of @pid in its own pid namespace, or -1. */
pid_t proc_namespace_pid(pid_t pid);

/* The value of @type (AT_*) in its auxiliary vector, or 0. */
uint64_t proc_auxv(pid_t pid, uint64_t type);

/* Another descriptor of the file that is @fd of @pid, or -1. */
int proc_open_fd(pid_t pid, int fd, int flags);

/* Thread group of @tid, or -1. */
pid_t proc_thread_group(pid_t tid);

/* The same of a thread that somebody traces; -1 also for all others. */
pid_t proc_traced_group(pid_t tid);

/* Is @tid a thread of @pid? One system call; a zombie counts. */
bool proc_has_thread(pid_t pid, pid_t tid);

/* Has it children now? The kernel forgets who made them when it ends. */
bool proc_has_children(pid_t pid, pid_t tid);

/* Append the pid_t of every thread of @pid; false if it is gone. */
bool proc_list_threads(pid_t pid, struct vec *tids);

/* Append the pid_t of every process. */
void proc_list_processes(struct vec *pids);

/* Arguments of @pid joined by spaces, printable, or its [comm]; freed. */
char *proc_command_line(pid_t pid);

/* Its arguments joined by NULs, as it has them; to be freed, or NULL. */
char *proc_read_arguments(pid_t pid, size_t *out_len);

/* Text of the maps of @pid seen through its live thread @tid; freed. */
char *proc_read_maps(pid_t pid, pid_t tid, size_t *out_len);

/* The same into @buf of @size bytes: bytes read (@size: there is more). */
ssize_t proc_read_maps_into(pid_t pid, pid_t tid, char *buf, size_t size);

/* As proc_read_maps(), with the details of smaps: slow, walks page tables. */
char *proc_read_smaps(pid_t pid, pid_t tid, size_t *out_len);

/* Does the process hold a userfaultfd(2) open? */
bool proc_has_userfaultfd(pid_t pid);

/* Open files of a thread that are read again and again; -1 if gone. */
int proc_open_schedstat(pid_t pid, pid_t tid);
int proc_open_status(pid_t pid, pid_t tid);
int proc_open_syscall(pid_t pid, pid_t tid);
int proc_open_stat(pid_t pid, pid_t tid);

/* Field 39 of an open stat file: the core it ran on last; -1 if gone. */
int stat_read_processor(int fd);

/* "run_ns wait_ns slices": /proc/PID/task/TID/schedstat. */
struct schedstat {
	uint64_t run_ns;  /* on a core; lags up to a scheduler tick */
	uint64_t wait_ns; /* runnable, waiting for a core */
	uint64_t slices;  /* times it was given a core */
};

bool schedstat_read(int fd, struct schedstat *out);

/*
 * Does the kernel keep it? Without CONFIG_SCHED_INFO there is no such file,
 * without any user of it all three numbers are 0 (proc_pid_schedstat()). A
 * newborn thread has zeros as well, the calling one has not.
 */
bool proc_has_schedstat(pid_t pid, pid_t tid);

/*
 * The nearest thing from open files of status and stat: slices are context
 * switches (counted when it leaves its core), run time is utime + stime in
 * clock ticks of 10 ms, waiting is not known.
 */
bool schedstat_read_coarse(int status_fd, int stat_fd, struct schedstat *out);

enum task_activity {
	TASK_RUNNABLE, /* on a core, or waiting for one */
	TASK_BLOCKED,  /* in a system call, a page fault, or stopped */
	TASK_GONE,
};

struct task_syscall {
	long nr;     /* -1: not in a system call (page fault, stop) */
	uint64_t arg0;
	taddr sp, pc;
};

/* /proc/PID/task/TID/syscall; @out only for TASK_BLOCKED. */
enum task_activity task_syscall_read(int fd, struct task_syscall *out);

/* The CPU clock of a process, for clock_gettime(2). */
clockid_t proc_cpu_clock(pid_t pid);

/*
 * A descriptor of the file behind the mapping [@start, @end) of @pid whose
 * path and inode maps gave, or -1. Never blocks on a FIFO or a device.
 */
struct mapped_file {
	taddr start, end;
	const char *path;
	uint64_t inode;
};

int proc_open_mapped_file(pid_t pid, const struct mapped_file *file);

#endif
