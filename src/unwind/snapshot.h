/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - what is kept of one stopped thread: registers and stack.
 *
 * A snapshot is plain data; it can be walked at any later time, as long as
 * the mappings of its process are known. A blocked thread is read without
 * stopping it, from the pc and sp in /proc/PID/task/TID/syscall: then only
 * those two registers are known.
 */
#ifndef UNWIND_SNAPSHOT_H
#define UNWIND_SNAPSHOT_H

#include <stddef.h>

#include "arch/regs.h"

struct snapshot {
	struct regs regs;
	taddr base;	      /* address of bytes[0]: sp - RED_ZONE_BYTES */
	const uint8_t *bytes; /* owned by whoever made the snapshot */
	size_t n_bytes;
	bool is_cut; /* the stack goes on above bytes[n_bytes] */
	/* A part of another stack, on which this one's outermost function
	 * was called; n_other_bytes 0: none was copied. */
	taddr other_base;
	const uint8_t *other_bytes;
	size_t n_other_bytes;
};

/*
 * Where to copy from next time, with @last as struct frames has it: where the
 * chain of frame pointers leads, or where the last walk wanted to go on.
 */
taddr snapshot_other_address(const struct snapshot *snapshot, taddr last);

/* In @last: frame pointers are to be trusted only if they are a chain. */
#define OTHER_EXACTLY 1

/*
 * Where the chain of frame pointers leaves the copied stack, for another one
 * that may then be copied too; 0 if it ends here. Some nanoseconds.
 */
taddr snapshot_find_other(const struct snapshot *snapshot);

/* From so far below that address on: see switch.c. */
#define OTHER_BYTES_BELOW 1024

#endif
