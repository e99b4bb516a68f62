/* SPDX-License-Identifier: MIT */
/*
 * walk_state.h - a walk under way: what walk.c and walk_step.c share.
 *
 * Private to unwind/.
 */
#ifndef UNWIND_WALK_STATE_H
#define UNWIND_WALK_STATE_H

#include "unwind/code_address.h"
#include "unwind/lunw.h"
#include "unwind/row_cache.h"
#include "unwind/walk.h"

/* What is kept for one space. */
struct space_state {
	struct row_cache cache;
	struct lunw *lunw; /* made when first needed */
	int64_t next_refresh_ns;
};

struct unwinder {
	struct walk_options options;
	struct walk_counts counts;
	struct row_store store;
	struct vec states; /* struct space_state * */
	struct space_state *last;
};

struct walk {
	struct unwinder *unwinder;
	struct space_state *state;
	const struct snapshot *snapshot, *given;
	struct snapshot other; /* the other stack, when that is walked */
	taddr main_sp;	       /* where the walk left the given one, or 0 */
	struct frames *frames;
	struct regs regs;
	bool is_return;	  /* regs.pc is a return address */
	bool may_end;	  /* this frame may be beyond the root */
	bool keeps_saved; /* rows are to restore rbx, r12-r15 too */
	bool is_searching; /* see fp_search.c and anchor.c */
	uint32_t flags;	  /* of the next frame */
};

/* What a frame did to the walk: go on, start again, or an enum walk_end. */
enum { WALK_GO_ON = -1, WALK_AGAIN = -2 };

/* The row for @addr, with the maps read again if it is in none. */
struct row_entry *walk_find_entry(struct walk *walk, taddr addr);

/* Read the maps again, unless that was done just now: entries go stale. */
bool walk_refresh(struct walk *walk);

struct lunw *walk_lunw(struct walk *walk);

/* Go on from where the walk is to its end. */
int walk_loop(struct walk *walk);

/*
 * Step out of the noted frame at @addr, whose @row needs the frame pointer,
 * and go on to the end; WALK_NO_FP if that one cannot be told.
 */
int walk_search_fp(struct walk *walk, const struct row *row, taddr addr);

/*
 * Step out of the noted frame, for which there is no rule at all, by a return
 * address that leads to the root, and go on to the end; else WALK_NO_RULE.
 */
int walk_search_anchor(struct walk *walk);

/* Note one frame, and step out of it. */
int walk_frame(struct walk *walk);

static inline void frames_add(struct frames *frames, taddr addr,
			      uint32_t mapping_id, uint32_t flags)
{
	struct frame *frame = vec_push(&frames->list);

	frame->addr = addr;
	frame->mapping_id = mapping_id;
	frame->flags = flags;
}

#endif
