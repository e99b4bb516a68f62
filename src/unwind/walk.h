/* SPDX-License-Identifier: MIT */
/*
 * walk.h - from a snapshot to the addresses of its frames.
 *
 * The walk is a pure function of the snapshot, the mappings of its process
 * and the ELF files behind them: it reads no target (but for @space, see
 * walk_options), takes no names, writes no output. One struct unwinder may
 * serve many processes; it belongs to one thread.
 */
#ifndef UNWIND_WALK_H
#define UNWIND_WALK_H

#include "image/space.h"
#include "unwind/snapshot.h"
#include "util/mem.h"

#define WALK_DEPTH_DEFAULT 16384

enum walk_end {
	WALK_ROOT,	 /* the outermost frame was reached */
	WALK_CUT,	 /* the copied part of the stack ended */
	WALK_DEPTH,	 /* more frames than asked for */
	WALK_NO_RULE,	 /* no way to step out of a frame */
	WALK_NO_FP,	 /* a blocked thread's frame pointer is needed */
	WALK_BAD_STACK,	 /* return address in no code, or no advance */
	N_WALK_ENDS,
};

/* "root", "cut", ... for tables and messages. */
const char *walk_end_name(enum walk_end end);

enum frame_flags {
	FRAME_GUESSED = 1, /* found by frame pointer or scan, not by a rule */
};

struct frame {
	/* An address inside the instruction that is executing: the pc itself
	 * in a leaf or below a signal frame, else the return address - 1. */
	taddr addr;
	uint32_t mapping_id; /* of its space, or NO_ID */
	uint32_t flags;
};

struct frames {
	struct vec list; /* struct frame, leaf first */
	enum walk_end end;
	size_t used_bytes; /* of the snapshot: up to the outermost frame */
	taddr other_fp;	   /* where on another stack the walk went on, or
			    * would have, had it been copied; or 0: for
			    * snapshot_other_address() */
	/* For WALK_NO_RULE, WALK_NO_FP, WALK_BAD_STACK: the frame that ended
	 * the walk is the last one in the list. */
};

enum walk_method {
	WALK_AUTO,  /* rows, then libunwind, then frame pointers */
	WALK_DWARF, /* no guessing: rows and libunwind only */
	WALK_FP,    /* frame pointers only */
};

struct walk_options {
	enum walk_method method;
	size_t max_depth;
	/* A descriptor of the debug file of @module, or -1; NULL: there are
	 * none. Asked once, when a module lacks a rule itself. */
	int (*open_debug_file)(const struct module *module);
};

struct walk_counts {
	uint64_t stacks, frames;
	uint64_t row_hits;	  /* frames stepped by a cached row */
	uint64_t row_lookups;	  /* rows asked of libdw */
	uint64_t libunwind_steps; /* frames stepped by libunwind */
	uint64_t guessed_steps;	  /* frames stepped by frame pointer */
	uint64_t lost_switches;	  /* came to a change of stacks, and the
				   * caller's was not in the snapshot */
	uint64_t ends[N_WALK_ENDS];
};

struct unwinder;

struct unwinder *unwinder_new(const struct walk_options *options);
void unwinder_free(struct unwinder *unwinder);
DEFINE_CLEANUP(unwinder_free, struct unwinder *)

/*
 * Walk @snapshot and replace the content of @frames. The maps of @space are
 * read again when a pc lies in no known mapping (at most once in 10 ms).
 * There is always at least one frame.
 */
void unwinder_walk(struct unwinder *unwinder, struct space *space,
		   const struct snapshot *snapshot, struct frames *frames);

/* Forget what is cached for @space, before it is freed. */
void unwinder_forget(struct unwinder *unwinder, struct space *space);

const struct walk_counts *unwinder_counts(const struct unwinder *unwinder);

/*
 * Walk the same snapshot by libunwind alone, own accessors over the copied
 * stack (the oracle of the tests and of bench). Same contract.
 */
void unwinder_walk_libunwind(struct unwinder *unwinder, struct space *space,
			     const struct snapshot *snapshot,
			     struct frames *frames);

#endif
