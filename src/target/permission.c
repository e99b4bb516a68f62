/* SPDX-License-Identifier: MIT */
/* permission.c - the reasons of ptrace(2)'s EPERM, told apart. */
#include "target/permission.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "target/proc.h"
#include "util/io.h"
#include "util/log.h"

#define CAP_SYS_PTRACE_BIT 19
#define ZOMBIE_LOOKS 3

static struct error *refuse(pid_t pid, const char *comm, const char *why)
{
	return error_new("cannot attach to %d (%s): %s", (int)pid, comm, why);
}

static struct error *error_already_traced(pid_t pid, const char *comm,
					  pid_t tracer)
{
	char name[COMM_MAX] = "?";
	struct error *error;
	pid_t group = proc_thread_group(tracer);

	if (group > 0) /* TracerPid is that of the thread that traces */
		tracer = group;
	proc_read_comm(tracer, tracer, name);
	error = refuse(pid, comm, "another program is tracing it");
	error = error_hint(error, "cause: process %d (%s) traces it already",
			   (int)tracer, name);
	return error_hint(error, "try:   end %s, or let it detach, first",
			  name);
}

/* The byte of the ELF header that tells 32 from 64 bits (elf(5)). */
static bool file_is_32bit(const char *path)
{
	unsigned char ident[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ident, sizeof(ident));
	close(fd);
	return n == sizeof(ident) && !memcmp(ident, "\177ELF\1", 5);
}

bool process_may_make_file(pid_t pid, uint64_t bytes)
{
	char path[64], line[128], word[32];
	bool may = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Max file size %31s", word) == 1)
			may = !strcmp(word, "unlimited") ||
			      strtoull(word, NULL, 10) >= bytes;
	if (file)
		fclose(file);
	return may;
}

bool process_is_32bit(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return file_is_32bit(path);
}

/* The file that execvp(3) takes for @program, freed by the caller. */
static char *find_program(const char *program)
{
	const char *dir = getenv("PATH");

	if (strchr(program, '/') || !dir)
		return xstrdup(program);
	for (;;) {
		size_t len = strcspn(dir, ":");
		char *path = len ? xasprintf("%.*s/%s", (int)len, dir, program)
				 : xstrdup(program);

		if (!access(path, X_OK) || !dir[len])
			return path;
		free(path);
		dir += len + 1;
	}
}

/*
 * The kernel drops set-id bits when a tracer without CAP_SYS_PTRACE watches
 * (execve(2)): the program then runs, but not as usual.
 */
static void warn_if_setid(const char *path)
{
	struct stat st;

	if (!geteuid() || stat(path, &st))
		return;
	if ((st.st_mode & S_ISUID && st.st_uid != geteuid()) ||
	    (st.st_mode & S_ISGID && st.st_gid != getegid()))
		log_warning("%s has its set-user-ID or set-group-ID bit, "
			    "which the kernel ignores under tracing", path);
}

struct error *launch_check(const char *program)
{
	CLEANUP(free) char *path = find_program(program);

	warn_if_setid(path);
	if (!file_is_32bit(path))
		return NULL;
	return error_new("cannot profile %s: it is a 32-bit program, and "
			 "psample knows 64-bit ones", path);
}

/*
 * A zombie leader may still have live threads; and when one of these calls
 * exec, the leader whose place it takes is a zombie alone, for a moment.
 */
static bool has_ended(pid_t pid)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct proc_stat stat;

	for (int i = 0; i < ZOMBIE_LOOKS; i++) {
		if (i > 0)
			nanosleep(&ms, NULL);
		if (!proc_read_stat(pid, pid, &stat) || stat.state != 'Z' ||
		    proc_status_number(pid, "Threads") > 1)
			return false;
	}
	return true;
}

/*
 * While a thread that calls exec takes the leader's number, /proc has nobody
 * of that number for a moment; kill(2) looks again (kill_pid_info()).
 */
static bool read_stat(pid_t pid, struct proc_stat *stat)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < ZOMBIE_LOOKS; i++) {
		if (i > 0)
			nanosleep(&ms, NULL);
		if (proc_read_stat(pid, pid, stat))
			return true;
		if (kill(pid, 0) != 0 && errno == ESRCH)
			return false;
	}
	return false;
}

struct error *attach_check(pid_t pid)
{
	struct proc_stat stat;
	long tracer;

	if (pid == getpid())
		return error_new("cannot attach to %d: that is psample itself",
				 (int)pid);
	if (!read_stat(pid, &stat))
		return error_new("cannot attach to %d: no such process",
				 (int)pid);
	if (stat.is_kernel_thread)
		return refuse(pid, stat.comm,
			      "it is a kernel thread; psample sees programs");
	tracer = proc_status_number(pid, "TracerPid");
	if (tracer > 0)
		return error_already_traced(pid, stat.comm, (pid_t)tracer);
	if (process_is_32bit(pid))
		return refuse(pid, stat.comm, "it is a 32-bit program, and "
					      "psample knows 64-bit ones");
	if (has_ended(pid))
		return refuse(pid, stat.comm,
			      "it has ended and waits for its parent");
	return NULL;
}

static long yama_scope(void)
{
	CLEANUP(free) char *text =
		io_read_file("/proc/sys/kernel/yama/ptrace_scope", 16, NULL);

	return text ? strtol(text, NULL, 10) : 0;
}

static bool has_ptrace_capability(void)
{
	CLEANUP(free) char *text =
		io_read_file("/proc/self/status", 65536, NULL);
	const char *line = text ? strstr(text, "CapEff:") : NULL;

	return line && (strtoull(line + 7, NULL, 16) >> CAP_SYS_PTRACE_BIT & 1);
}

bool attach_is_hopeless(pid_t pid)
{
	long uid = proc_status_number(pid, "Uid");
	struct proc_stat stat;

	if (proc_read_stat(pid, pid, &stat) && stat.is_kernel_thread)
		return true;
	return uid >= 0 && (uid_t)uid != getuid() && !has_ptrace_capability();
}

static struct error *explain_yama(struct error *error, pid_t pid, long scope)
{
	static const char *const meaning[] = {
		"", "allows tracing only of own children",
		"allows tracing only with CAP_SYS_PTRACE",
		"allows nobody to trace",
	};

	error = error_hint(error, "cause: kernel.yama.ptrace_scope=%ld %s",
			   scope, meaning[scope < 4 ? scope : 3]);
	if (scope >= 3)
		return error_hint(error, "try:   change it at boot; it cannot "
					 "be lowered now");
	error = error_hint(error, "try:   sudo psample -p %d", (int)pid);
	if (scope == 1)
		error = error_hint(error, "       psample -- PROGRAM...    (no "
					  "root needed)");
	return error_hint(error, "       sudo sysctl kernel.yama.ptrace_scope"
				 "=0    (until reboot)");
}

/*
 * Files of a process that is not dumpable belong to root; its directory stays
 * with its user (proc(5), /proc/PID).
 */
static uid_t owner_of_proc(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return stat(path, &st) ? (uid_t)-1 : st.st_uid;
}

static struct error *explain_eperm(struct error *error, pid_t pid)
{
	long uid = proc_status_number(pid, "Uid");
	long scope = yama_scope();

	if (geteuid() == 0) {
		error = error_hint(error, has_ptrace_capability()
				? "cause: a security module or user namespace "
				  "forbids it"
				: "cause: this root has no CAP_SYS_PTRACE, as "
				  "in most containers");
		return error_hint(error, "try:   docker|podman run --cap-add "
					 "SYS_PTRACE ...; Kubernetes: "
					 "capabilities: add: [SYS_PTRACE]");
	}
	if (uid >= 0 && (uid_t)uid != getuid()) {
		error = error_hint(error, "cause: it runs as uid %ld, psample "
					  "as uid %d", uid, (int)getuid());
		return error_hint(error, "try:   sudo psample -p %d",
				  (int)pid);
	}
	if (scope > 0)
		return explain_yama(error, pid, scope);
	if (owner_of_proc(pid) != getuid()) {
		error = error_hint(error, "cause: the process is not dumpable "
					  "(setuid, or PR_SET_DUMPABLE 0)");
		return error_hint(error, "try:   sudo psample -p %d",
				  (int)pid);
	}
	return error_hint(error, "cause: a security module, a seccomp filter "
				 "or a user namespace forbids it");
}

struct error *attach_error(pid_t pid, int err)
{
	char comm[COMM_MAX] = "?";
	struct error *error = attach_check(pid);

	if (error)
		return error;
	proc_read_comm(pid, pid, comm);
	error = error_errno(err, "cannot attach to %d (%s)", (int)pid, comm);
	return err == EPERM || err == EACCES ? explain_eperm(error, pid)
					     : error;
}
