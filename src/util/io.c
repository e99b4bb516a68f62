/* SPDX-License-Identifier: MIT */
/* io.c - whole reads and whole writes. */
#include "util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

char *io_read_fd(int fd, size_t max, size_t *out_len)
{
	size_t cap = 4096, len = 0;
	char *buf = xmalloc(cap + 1);

	for (;;) {
		ssize_t n = pread(fd, buf + len, cap - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(buf);
			return NULL;
		}
		len += (size_t)n;
		if (n == 0 || len >= max)
			break;
		if (len == cap) {
			cap = cap * 2 < max ? cap * 2 : max;
			buf = xreallocarray(buf, cap + 1, 1);
		}
	}
	buf[len] = '\0';
	if (out_len)
		*out_len = len;
	return buf;
}

char *io_read_file(const char *path, size_t max, size_t *out_len)
{
	CLEANUP(close_fd) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? NULL : io_read_fd(fd, max, out_len);
}

int io_open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = { .resolve = RESOLVE_IN_ROOT };
	long fd;

	flags |= O_CLOEXEC;
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK | O_NOCTTY;
	if (root_fd < 0)
		return open(path, flags);
	how.flags = (uint64_t)(unsigned int)flags;
	fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd >= 0 || errno != ENOSYS)
		return (int)fd;
	while (*path == '/') /* before Linux 5.6 */
		path++;
	return openat(root_fd, path, flags | O_NOFOLLOW);
}

ssize_t io_pread_full(int fd, void *buf, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool io_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

struct outfile {
	int fd;
	bool exclusive;
	char *path;
	char *temporary; /* NULL: written directly */
};

static void outfile_free(struct outfile *file)
{
	if (file->fd > STDERR_FILENO)
		close(file->fd);
	free(file->path);
	free(file->temporary);
	free(file);
}

static bool is_written_directly(const char *path)
{
	struct stat st;

	return !strcmp(path, "-") ||
	       (!stat(path, &st) && !S_ISREG(st.st_mode));
}

/* Profiles tell about a program's inside: nobody else may read them. */
static struct error *open_temporary(struct outfile *file)
{
	const char *slash = strrchr(file->path, '/');
	int dir_len = slash ? (int)(slash - file->path) + 1 : 0;

	if (file->exclusive && !access(file->path, F_OK))
		return error_errno(EEXIST, "cannot write %s", file->path);
	file->temporary = xasprintf("%.*s.psample.XXXXXX", dir_len,
				    file->path);
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	if (file->fd < 0) {
		int err = errno;

		free(file->temporary);
		file->temporary = NULL;
		return error_errno(err, "cannot write %s", file->path);
	}
	return NULL;
}

struct error *outfile_open(const char *path, bool exclusive,
			   struct outfile **out)
{
	struct outfile *file = xcalloc(1, sizeof(*file));
	struct error *error = NULL;

	file->fd = -1;
	file->exclusive = exclusive;
	file->path = xstrdup(path);
	if (!is_written_directly(path)) {
		error = open_temporary(file);
	} else if (!strcmp(path, "-")) {
		file->fd = STDOUT_FILENO;
	} else {
		file->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (file->fd < 0)
			error = error_errno(errno, "cannot write %s", path);
	}
	if (error)
		outfile_free(file);
	else
		*out = file;
	return error;
}

struct error *outfile_write(struct outfile *file, const void *buf, size_t len)
{
	if (io_write_full(file->fd, buf, len))
		return NULL;
	return error_errno(errno, "cannot write %s",
			   file->fd == STDOUT_FILENO ? "standard output"
						     : file->path);
}

/*
 * Never over an existing file. A file system that cannot do so in one step
 * (NFS, FAT) is given an empty file of that name first, to be replaced.
 */
static int rename_exclusively(const char *from, const char *to)
{
	int fd;

	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	if (!rename(from, to))
		return 0;
	unlink(to);
	return -1;
}

static struct error *outfile_publish(struct outfile *file)
{
	int failed;

	if (fsync(file->fd) && errno != EINVAL && errno != EROFS)
		return error_errno(errno, "cannot write %s", file->path);
	failed = file->exclusive
			 ? rename_exclusively(file->temporary, file->path)
			 : rename(file->temporary, file->path);
	if (failed)
		return error_errno(errno, "cannot write %s", file->path);
	return NULL;
}

struct error *outfile_commit(struct outfile *file)
{
	struct error *error = NULL;

	if (file->temporary) {
		error = outfile_publish(file);
		if (error)
			unlink(file->temporary);
	}
	outfile_free(file);
	return error;
}

void outfile_abort(struct outfile *file)
{
	if (!file)
		return;
	if (file->temporary)
		unlink(file->temporary);
	outfile_free(file);
}
