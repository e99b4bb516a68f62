/* SPDX-License-Identifier: MIT */
/*
 * fuzz_proc.c - any text as the files of /proc/PID that hold names or numbers
 * of a target: stat, comm, status, cmdline, auxv, schedstat, syscall.
 */
#include <sys/mman.h>

#include "fuzz.h"
#include "target/proc.h"
#include "util/io.h"

static const uint8_t *current; /* what the files say; NULL: our own do */
static size_t current_bytes;

char *__real_io_read_file(const char *path, size_t max, size_t *out_len);
char *__wrap_io_read_file(const char *path, size_t max, size_t *out_len);

char *__wrap_io_read_file(const char *path, size_t max, size_t *out_len)
{
	size_t len = current_bytes < max ? current_bytes : max;
	char *copy;

	if (!current)
		return __real_io_read_file(path, max, out_len);
	copy = xmalloc(len + 1);
	memcpy(copy, current, len);
	copy[len] = '\0';
	if (out_len)
		*out_len = len;
	return copy;
}

/* A terminal may show it. */
static void check_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

static void run_whole_files(void)
{
	pid_t pid = getpid();
	struct proc_stat stat;
	char comm[COMM_MAX];
	char *text;
	size_t len;

	if (proc_read_stat(pid, pid, &stat))
		check_printable(stat.comm);
	if (proc_read_comm(pid, pid, comm))
		check_printable(comm);
	proc_status_number(pid, "Tgid");
	proc_status_number(pid, "Seccomp");
	proc_namespace_pid(pid);
	proc_auxv(pid, 3);
	text = proc_command_line(pid);
	check_printable(text);
	free(text);
	text = proc_read_arguments(pid, &len);
	free(text);
	proc_has_schedstat(pid, pid);
}

static void run_open_files(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct schedstat schedstat;
	struct task_syscall call;

	if (fd < 0)
		fd = memfd_create("proc", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	stat_read_processor(fd);
	schedstat_read(fd, &schedstat);
	schedstat_read_coarse(fd, fd, &schedstat);
	task_syscall_read(fd, &call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	current = data;
	current_bytes = size;
	run_whole_files();
	current = NULL;
	run_open_files(data, size);
	return 0;
}
