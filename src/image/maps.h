/* SPDX-License-Identifier: MIT */
/*
 * maps.h - read the text of /proc/PID/maps, line by line.
 *
 * The text is not trusted: a line that is not what the kernel prints is
 * skipped, and nothing is read outside of [*cursor, end).
 *
 *	7f12c0a00000-7f12c0b55000 r-xp 00028000 08:01 1837 /usr/lib/libc.so.6
 *	start        end          perms offset  dev   inode path
 */
#ifndef IMAGE_MAPS_H
#define IMAGE_MAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "arch/regs.h"

struct maps_line {
	taddr start, end;
	uint64_t offset, inode;
	uint32_t dev_major, dev_minor;
	bool is_readable, is_writable, is_executable, is_private;
	bool is_deleted; /* the path ended in " (deleted)", which is cut off */
	const char *path; /* inside of the text, still escaped */
	size_t path_len;
};

/* The next good line from *@cursor on, which moves; false at the end. */
bool maps_next_line(const char **cursor, const char *end,
		    struct maps_line *out);

/*
 * The path of @line as the file is named, into @buf of at least
 * path_len + 1 bytes; its length.
 */
size_t maps_decode_path(const struct maps_line *line, char *buf);

#endif
