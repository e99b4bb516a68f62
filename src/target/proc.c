/* SPDX-License-Identifier: MIT */
/* proc.c - readers of /proc/PID. */
#include "target/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/clock.h"
#include "target/root.h"
#include "util/io.h"
#include "util/strbuf.h"

#define ARGUMENTS_MAX_BYTES (1u << 20)
#define MAPS_MAX_BYTES ((size_t)64 << 20)

static char *read_task_file(pid_t pid, pid_t tid, const char *name,
			    size_t max, size_t *out_len)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid,
		 (int)tid, name);
	return io_read_file(path, max, out_len);
}

/* Control characters and broken UTF-8 of a target reach nobody's terminal. */
static void copy_printable(char *out, size_t size, const char *text,
			   size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		unsigned char c = (unsigned char)text[i];

		out[n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	out[n] = '\0';
}

/*
 * 1234 (a) b) R 1 1234 ... : comm ends at the last ')'. Fields are numbered
 * from 1 as in proc(5); field 3 is the state.
 */
bool proc_read_stat(pid_t pid, pid_t tid, struct proc_stat *out)
{
	CLEANUP(free) char *text = read_task_file(pid, tid, "stat", 4096, NULL);
	char *open, *close, *p;
	unsigned long flags;

	if (!text)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || !close[1])
		return false;
	*out = (struct proc_stat){ .state = close[2] };
	copy_printable(out->comm, COMM_MAX, open + 1,
		       (size_t)(close - open - 1));
	p = close + 2;
	for (int field = 3; field <= 39 && p; field++) {
		if (field == 4)
			out->ppid = (pid_t)strtol(p, NULL, 10);
		if (field == 9) {
			flags = strtoul(p, NULL, 10);
			out->is_kernel_thread = flags & 0x00200000;
		}
		if (field == 22)
			out->start_ticks = strtoull(p, NULL, 10);
		if (field == 39)
			out->processor = (int)strtol(p, NULL, 10);
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return true;
}

bool proc_read_comm(pid_t pid, pid_t tid, char out[COMM_MAX])
{
	size_t len;
	CLEANUP(free) char *text = read_task_file(pid, tid, "comm", 256, &len);

	if (!text)
		return false;
	if (len && text[len - 1] == '\n')
		len--;
	copy_printable(out, COMM_MAX, text, len);
	return true;
}

/* What follows "@key:" in the text of a status file, or NULL. */
static const char *status_find(const char *text, const char *key)
{
	size_t key_len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, key_len) && line[key_len] == ':')
			return line + key_len + 1;
	}
	return NULL;
}

static char *read_status(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return io_read_file(path, 65536, NULL);
}

long proc_status_number(pid_t pid, const char *key)
{
	CLEANUP(free) char *text = read_status(pid);
	const char *value = status_find(text, key);

	return value ? strtol(value, NULL, 10) : -1;
}

void proc_read_program(pid_t pid, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
}

/* "NSpid:\t4711\t12\t1": from our namespace down to its own. */
pid_t proc_namespace_pid(pid_t pid)
{
	CLEANUP(free) char *text = read_status(pid);
	const char *p = status_find(text, "NSpid");
	long number = -1;

	if (!p) /* a kernel without pid namespaces */
		return text ? pid : -1;
	while (*p == '\t') {
		char *end;
		long next = strtol(p, &end, 10);

		if (end == p) /* no number there */
			break;
		number = next;
		p = end;
	}
	return (pid_t)number;
}

uint64_t proc_auxv(pid_t pid, uint64_t type)
{
	char path[64];
	size_t len = 0;
	CLEANUP(free) char *bytes = NULL;
	uint64_t entry[2];

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	bytes = io_read_file(path, 4096, &len);
	for (size_t at = 0; bytes && at + sizeof(entry) <= len;
	     at += sizeof(entry)) {
		memcpy(entry, bytes + at, sizeof(entry));
		if (entry[0] == type)
			return entry[1];
	}
	return 0;
}

int proc_open_fd(pid_t pid, int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	return open(path, flags | O_CLOEXEC);
}

pid_t proc_thread_group(pid_t tid)
{
	return (pid_t)proc_status_number(tid, "Tgid");
}

pid_t proc_traced_group(pid_t tid)
{
	CLEANUP(free) char *text = read_status(tid);
	const char *group = status_find(text, "Tgid");
	const char *tracer = status_find(text, "TracerPid");

	if (!group || !tracer || strtol(tracer, NULL, 10) <= 0)
		return -1;
	return (pid_t)strtol(group, NULL, 10);
}

bool proc_has_thread(pid_t pid, pid_t tid)
{
	return !syscall(SYS_tgkill, pid, tid, 0) || errno != ESRCH;
}

bool proc_has_children(pid_t pid, pid_t tid)
{
	char path[64], byte;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
		 (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, &byte, 1);
	close(fd);
	return n == 1;
}

static bool list_numbers(const char *path, struct vec *out)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			*(pid_t *)vec_push(out) =
				(pid_t)strtol(entry->d_name, NULL, 10);
	closedir(dir);
	return true;
}

bool proc_list_threads(pid_t pid, struct vec *tids)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return list_numbers(path, tids);
}

void proc_list_processes(struct vec *pids)
{
	list_numbers("/proc", pids);
}

char *proc_command_line(pid_t pid)
{
	char path[64], comm[COMM_MAX];
	size_t len = 0;
	CLEANUP(free) char *text = NULL;
	char *line;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	text = io_read_file(path, 4096, &len);
	if (!text || !len)
		return proc_read_comm(pid, pid, comm)
			       ? xasprintf("[%s]", comm)
			       : xstrdup("?");
	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	line = xmalloc(len + 1);
	copy_printable(line, len + 1, text, len);
	return line;
}

char *proc_read_arguments(pid_t pid, size_t *out_len)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	text = io_read_file(path, ARGUMENTS_MAX_BYTES, out_len);
	if (text && *out_len && !text[*out_len - 1])
		--*out_len;
	return text;
}

char *proc_read_maps(pid_t pid, pid_t tid, size_t *out_len)
{
	char *text = read_task_file(pid, tid, "maps", MAPS_MAX_BYTES, out_len);

	if (text && !*out_len) { /* the mm is gone, the task not yet */
		free(text);
		return NULL;
	}
	return text;
}

static int open_task_file(pid_t pid, pid_t tid, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid,
		 (int)tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

ssize_t proc_read_maps_into(pid_t pid, pid_t tid, char *buf, size_t size)
{
	CLEANUP(close_fd) int fd = open_task_file(pid, tid, "maps");

	return fd < 0 ? -1 : io_pread_full(fd, buf, size, 0);
}

char *proc_read_smaps(pid_t pid, pid_t tid, size_t *out_len)
{
	return read_task_file(pid, tid, "smaps", 4 * MAPS_MAX_BYTES, out_len);
}

bool proc_has_userfaultfd(pid_t pid)
{
	static const char name[] = "anon_inode:[userfaultfd]";
	char path[64], link[64];
	struct dirent *entry;
	bool is_found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !is_found && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link,
				       sizeof(link) - 1);

		link[n > 0 ? n : 0] = '\0';
		is_found = !strcmp(link, name);
	}
	if (dir)
		closedir(dir);
	return is_found;
}

int proc_open_schedstat(pid_t pid, pid_t tid)
{
	return open_task_file(pid, tid, "schedstat");
}

int proc_open_status(pid_t pid, pid_t tid)
{
	return open_task_file(pid, tid, "status");
}

int proc_open_syscall(pid_t pid, pid_t tid)
{
	return open_task_file(pid, tid, "syscall");
}

int proc_open_stat(pid_t pid, pid_t tid)
{
	return open_task_file(pid, tid, "stat");
}

/*
 * "4711 (a) b) S 1 ..." -> from field @number, 3 or more, on. @text holds the
 * line; NULL if the thread is gone.
 */
static const char *stat_read_field(int fd, int number, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);
	const char *p;

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the end of field 2 */
	for (int field = 2; field < number && p; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p;
}

int stat_read_processor(int fd)
{
	char text[1024];
	const char *p = stat_read_field(fd, 39, text, sizeof(text));

	return p ? (int)strtol(p, NULL, 10) : -1;
}

/* Own digits: strtoull costs more than the read of these hot files. */
static const char *parse_decimal(const char *p, uint64_t *out)
{
	uint64_t value = 0;

	while (*p == ' ')
		p++;
	for (; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	*out = value;
	return p;
}

bool schedstat_read(int fd, struct schedstat *out)
{
	char text[96];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *p = text;

	if (n <= 0)
		return false;
	text[n] = '\0';
	p = parse_decimal(p, &out->run_ns);
	p = parse_decimal(p, &out->wait_ns);
	parse_decimal(p, &out->slices);
	return true;
}

static bool read_schedstat_of(pid_t pid, pid_t tid, struct schedstat *out)
{
	int fd = proc_open_schedstat(pid, tid);
	bool done = fd >= 0 && schedstat_read(fd, out);

	if (fd >= 0)
		close(fd);
	return done;
}

bool proc_has_schedstat(pid_t pid, pid_t tid)
{
	struct schedstat stat;

	if (!read_schedstat_of(pid, tid, &stat))
		return false;
	if (stat.run_ns || stat.slices)
		return true;
	return read_schedstat_of(getpid(), gettid(), &stat) &&
	       (stat.run_ns || stat.slices);
}

static uint64_t status_count(const char *text, const char *key)
{
	const char *value = status_find(text, key);

	return value ? strtoull(value, NULL, 10) : 0;
}

bool schedstat_read_coarse(int status_fd, int stat_fd, struct schedstat *out)
{
	char text[4096], stat[1024], *end;
	ssize_t n = pread(status_fd, text, sizeof(text) - 1, 0);
	const char *p = stat_read_field(stat_fd, 14, stat, sizeof(stat));
	uint64_t ticks;

	if (n <= 0 || !p)
		return false;
	text[n] = '\0';
	ticks = strtoull(p, &end, 10);	 /* utime */
	ticks += strtoull(end, NULL, 10); /* stime */
	*out = (struct schedstat){
		.run_ns = ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK)),
		.slices = status_count(text, "voluntary_ctxt_switches") +
			  status_count(text, "nonvoluntary_ctxt_switches"),
	};
	return true;
}

/*
 * "running"
 * "0 0x3 0x7ffc.. 0x400 0x0 0x0 0x0 0x7ffd1c2f5a98 0x7f12ab34cd56": number,
 *	six arguments, sp, pc
 * "-1 0x7ffd1c2f5a98 0x7f12ab34cd56": sp, pc
 */
enum task_activity task_syscall_read(int fd, struct task_syscall *out)
{
	char text[256], *p = text;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t words[8];
	int n_words = 0;

	if (n <= 0)
		return TASK_GONE;
	text[n] = '\0';
	if (text[0] == 'r')
		return TASK_RUNNABLE;
	out->nr = strtol(p, &p, 10);
	while (n_words < 8 && *p == ' ')
		words[n_words++] = strtoull(p, &p, 16);
	if (n_words < 2)
		return TASK_GONE;
	out->arg0 = n_words == 8 ? words[0] : 0;
	out->sp = words[n_words - 2];
	out->pc = words[n_words - 1];
	return TASK_BLOCKED;
}

/* The formula of clock_getcpuclockid(3), which only adds a check. */
clockid_t proc_cpu_clock(pid_t pid)
{
	return (clockid_t)(~(unsigned int)pid << 3 | 2);
}

static int open_regular(const char *path, uint64_t inode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    st.st_ino == inode)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/*
 * In a mount namespace of its own the path counts from there; after a
 * chroot(2) it has the way to the new root in front, or is one of ours.
 */
static int open_by_path(pid_t pid, const struct mapped_file *file)
{
	CLEANUP(free) char *prefix = root_prefix(pid);
	CLEANUP(free) char *path = NULL;
	size_t len = strlen(prefix);
	int fd;

	if (strncmp(file->path, prefix, len))
		len = 0;
	path = xasprintf("/proc/%d/root%s", (int)pid, file->path + len);
	fd = open_regular(path, file->inode);
	return fd < 0 ? open_regular(file->path, file->inode) : fd;
}

/*
 * map_files leads to the mapped file itself, deleted or replaced, but wants
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; the path as the target's root
 * sees it serves the others. The device number is not compared: btrfs and
 * overlayfs show another one in maps than in stat(2); the caller can compare
 * the contents.
 */
int proc_open_mapped_file(pid_t pid, const struct mapped_file *file)
{
	char fixed[96];
	int fd;

	snprintf(fixed, sizeof(fixed),
		 "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 file->start, file->end);
	fd = open_regular(fixed, file->inode);
	if (fd >= 0)
		return fd;
	fd = open_by_path(pid, file);
	if (fd >= 0)
		return fd;
	snprintf(fixed, sizeof(fixed), "/proc/%d/exe", (int)pid);
	return open_regular(fixed, file->inode);
}
