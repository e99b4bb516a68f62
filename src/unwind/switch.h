/* SPDX-License-Identifier: MIT */
/*
 * switch.h - steps out of functions that run on another stack than the one
 * they were called on.
 *
 * Go's runtime does much of its work on a system stack, one for each thread,
 * and so does the C code that Go calls. What leads back is the frame pointer,
 * which still is that of the goroutine.
 */
#ifndef UNWIND_SWITCH_H
#define UNWIND_SWITCH_H

#include "unwind/row_cache.h"

/*
 * Step by the ROW_SWITCH of @entry. *@snapshot is what is walked; if the way
 * leads to the other stack that it holds, it becomes @other, filled with the
 * two exchanged. *@out_is_lost: the caller's stack is not at hand.
 */
enum step switch_step(struct row_cache *cache, const struct row_entry *entry,
		      const struct snapshot **snapshot,
		      struct snapshot *other, struct regs *regs,
		      bool *out_is_lost);

/*
 * The walk is at @sp now, as a signal frame says. *@snapshot becomes @other,
 * as above, if that is where it lies; false if it lies in neither.
 */
bool switch_to_sp(const struct snapshot **snapshot, struct snapshot *other,
		  taddr sp);

#endif
