/* SPDX-License-Identifier: MIT */
/*
 * guess.h - steps out of frames for which there is no rule.
 *
 * Each of these checks what it can: that the caller's address is one that a
 * call returns to, and that sp moves outwards. They may still be wrong, so
 * the frames found are marked.
 */
#ifndef UNWIND_GUESS_H
#define UNWIND_GUESS_H

#include "unwind/row_cache.h"

/*
 * By the chain of frame pointers: *fp is the caller's, *(fp + 8) the return
 * address. A chain that is being followed (@in_chain) ends with a zero.
 */
enum step guess_by_frame_pointer(struct row_cache *cache,
				 const struct snapshot *snapshot,
				 struct regs *regs, bool in_chain);

/*
 * By a row that was made from the code of the function (ROW_GUESS), and
 * where it says that the registers are.
 */
enum step guess_by_row(struct row_cache *cache,
		       const struct snapshot *snapshot, const struct row *row,
		       const struct row_saves *saves, struct regs *regs);

/*
 * By the lowest return address on the stack that belongs to a call of the
 * function that holds @addr.
 */
enum step guess_by_calls(struct row_cache *cache,
			 const struct snapshot *snapshot, taddr addr,
			 struct regs *regs);

/* The pc is in no code: a call through a bad pointer has just been made. */
enum step guess_by_call_to_nowhere(struct row_cache *cache,
				   const struct snapshot *snapshot,
				   struct regs *regs);

#endif
