/* SPDX-License-Identifier: MIT */
/*
 * jit_file.h - /tmp/perf-PID.map, where a process lists the code it makes.
 *
 * /tmp and PID are those of the process: of its own mount and pid namespace.
 * The file is found while the process lives and may be read after its end; a
 * Java machine writes it as the last thing it does.
 */
#ifndef TARGET_JIT_FILE_H
#define TARGET_JIT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/mem.h"

struct jit_file {
	int dir_fd;  /* its /tmp, or -1 */
	int fd;	     /* the file, if it was there at once, or -1 */
	pid_t pid;   /* in its own namespace */
	uid_t owner; /* whose file it must be */
	int64_t start_s; /* since the epoch; what is older is another's */
	off_t read_bytes; /* how long the list was when it was read */
};

/* Never fails: of a process that is gone there is nothing to read. */
void jit_file_open(struct jit_file *file, pid_t pid);
void jit_file_close(struct jit_file *file);

/*
 * The last @max bytes of the list, from the start of a line; freed by the
 * caller. NULL: there is none, it did not grow since the last time, or it
 * cannot be trusted, for *@out_reason (else NULL).
 */
char *jit_file_read(struct jit_file *file, size_t max, size_t *out_len,
		    const char **out_reason) MUST_USE;

#endif
