/* SPDX-License-Identifier: MIT */
/*
 * lunw.h - libunwind over a snapshot: for the steps that no row can say, and
 * as the oracle that rows are compared with.
 *
 * Memory comes from the snapshot, then from the ELF files, and from nowhere
 * else. The only file of unwind/ that knows libunwind is lunw.c.
 */
#ifndef UNWIND_LUNW_H
#define UNWIND_LUNW_H

#include "image/space.h"
#include "unwind/code_address.h"
#include "unwind/row.h"
#include "unwind/walk.h"

struct lunw;

/* @space must outlive it. NULL if libunwind cannot be had. */
struct lunw *lunw_new(struct space *space);
void lunw_free(struct lunw *lunw);

/* The code of the space changed: forget what libunwind cached. */
void lunw_flush(struct lunw *lunw);

/*
 * One step out of the frame at @address with @regs, which become those of
 * the caller. *@out_is_signal: it was a signal frame.
 */
enum step lunw_step(struct lunw *lunw, const struct snapshot *snapshot,
		    struct code_address address, struct regs *regs,
		    bool *out_is_signal);

/* The whole walk; the list of @frames is replaced. */
void lunw_walk(struct lunw *lunw, const struct snapshot *snapshot,
	       size_t max_depth, struct frames *frames);

#endif
