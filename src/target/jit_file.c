/* SPDX-License-Identifier: MIT */
/*
 * jit_file.c - open a file in a directory where anybody may write.
 *
 * /tmp belongs to all: whoever makes perf-PID.map first decides what it says
 * and what it is, so it must be a plain file of the process's own user, and
 * not have been left there by an earlier process of that number.
 */
#include "target/jit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "target/proc.h"
#include "util/io.h"

#define START_SLACK_S 3 /* the boot clock and file times are both rounded */

/* When @pid was started, in seconds since the epoch, or 0. */
static int64_t start_of(pid_t pid)
{
	struct timespec now, up;
	struct proc_stat stat;

	if (!proc_read_stat(pid, pid, &stat) ||
	    clock_gettime(CLOCK_REALTIME, &now) ||
	    clock_gettime(CLOCK_BOOTTIME, &up))
		return 0;
	return (int64_t)now.tv_sec - (int64_t)up.tv_sec +
	       (int64_t)stat.start_ticks / sysconf(_SC_CLK_TCK);
}

static int open_list(const struct jit_file *file)
{
	char name[32];

	snprintf(name, sizeof(name), "perf-%d.map", (int)file->pid);
	return openat(file->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
						  O_NONBLOCK | O_NOCTTY);
}

void jit_file_open(struct jit_file *file, pid_t pid)
{
	CLEANUP(close_fd) int root_fd = -1;
	char path[32];

	*file = (struct jit_file){
		.dir_fd = -1,
		.fd = -1,
		.pid = proc_namespace_pid(pid),
		.owner = (uid_t)proc_status_number(pid, "Uid"),
		.start_s = start_of(pid),
	};
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0 || file->pid <= 0)
		return;
	file->dir_fd = io_open_in_root(root_fd, "tmp", O_PATH | O_DIRECTORY);
	if (file->dir_fd >= 0)
		file->fd = open_list(file);
}

void jit_file_close(struct jit_file *file)
{
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	if (file->fd >= 0)
		close(file->fd);
	file->dir_fd = file->fd = -1;
}

/* Why the open file @fd must not be believed, or NULL. */
static const char *fault_of(const struct jit_file *file, int fd,
			    struct stat *st)
{
	if (fstat(fd, st) || !S_ISREG(st->st_mode))
		return "it is no regular file";
	if (st->st_uid != file->owner)
		return "it belongs to another user";
	if (st->st_mtim.tv_sec + START_SLACK_S < file->start_s)
		return "it is older than the process";
	return NULL;
}

static char *read_end(int fd, off_t size, size_t max, size_t *out_len)
{
	size_t len = size > (off_t)max ? max : (size_t)size;
	off_t offset = size - (off_t)len;
	char *text = xmalloc(len + 1), *newline;
	ssize_t n = io_pread_full(fd, text, len, offset);

	if (n < 0) {
		free(text);
		return NULL;
	}
	*out_len = (size_t)n;
	newline = offset ? memchr(text, '\n', (size_t)n) : NULL;
	if (newline) {
		*out_len -= (size_t)(newline + 1 - text);
		memmove(text, newline + 1, *out_len);
	}
	return text;
}

char *jit_file_read(struct jit_file *file, size_t max, size_t *out_len,
		    const char **out_reason)
{
	CLEANUP(close_fd) int again = -1;
	struct stat st;
	int fd = file->fd;

	*out_reason = NULL;
	if (file->dir_fd < 0)
		return NULL;
	/* Written anew or only now: what has the name is the newest. */
	again = open_list(file);
	if (again >= 0)
		fd = again;
	if (fd < 0) {
		if (errno == ELOOP)
			*out_reason = "it is a symbolic link";
		return NULL;
	}
	*out_reason = fault_of(file, fd, &st);
	if (*out_reason || st.st_size == file->read_bytes)
		return NULL;
	file->read_bytes = st.st_size;
	return read_end(fd, st.st_size, max, out_len);
}
