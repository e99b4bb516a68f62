/* SPDX-License-Identifier: MIT */
/*
 * io.h - whole reads and whole writes.
 *
 * An output file is written under a temporary name in the directory of its
 * final one and renamed by outfile_commit(): readers see the old file or the
 * whole new one. The temporary is removed when anything fails.
 */
#ifndef UTIL_IO_H
#define UTIL_IO_H

#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

/*
 * Read a small file (of /proc, say) up to @max bytes into a NUL-terminated
 * buffer that the caller frees. NULL with errno set if it cannot be read.
 */
char *io_read_file(const char *path, size_t max, size_t *out_len) MUST_USE;

/* As io_read_file(), from an open descriptor's offset 0 (pread). */
char *io_read_fd(int fd, size_t max, size_t *out_len) MUST_USE;

/*
 * open() @path as a process does whose root directory is @root_fd: links in
 * it never lead out. -1 as @root_fd: our own root. O_CLOEXEC, O_NONBLOCK and
 * O_NOCTTY are added, so that no FIFO or terminal can hold us.
 */
int io_open_in_root(int root_fd, const char *path, int flags) MUST_USE;

/* pread() until @len bytes, the end, or an error: bytes read, or -1. */
ssize_t io_pread_full(int fd, void *buf, size_t len, off_t offset);

/* write() until all is written; false with errno set. */
bool io_write_full(int fd, const void *buf, size_t len);

struct outfile;

/*
 * Open @path for replacement. "-" is standard output, and a path that is not
 * a regular file (a FIFO, /dev/null) is written directly. @exclusive: fail
 * with EEXIST rather than replace, also at commit.
 */
struct error *outfile_open(const char *path, bool exclusive,
			   struct outfile **out) MUST_USE;
struct error *outfile_write(struct outfile *file, const void *buf,
			    size_t len) MUST_USE;

/* Make the file visible under its name and free @file, in error too. */
struct error *outfile_commit(struct outfile *file) MUST_USE;

/* Remove what was written and free @file. */
void outfile_abort(struct outfile *file);
DEFINE_CLEANUP(outfile_abort, struct outfile *)

#endif
