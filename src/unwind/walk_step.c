/* SPDX-License-Identifier: MIT */
/*
 * walk_step.c - out of one frame, with all the care there is.
 *
 * What walk_plain() leaves: rows of every other kind, frames without a row,
 * stacks that are changed, and the ends of stacks.
 */
#include "unwind/guess.h"
#include "unwind/switch.h"
#include "unwind/walk_state.h"

/* "_start" is shorter than this on every libc. */
#define START_BYTES_MAX 64
#define SYSCALL_BYTES 2 /* 0f 05 */
#define NEWBORN_BYTES 16
/* More than copies of a stack grow by at a time. */
#define FAR_BYTES (512u << 10)

static enum step walk_step_libunwind(struct walk *walk, bool *is_signal)
{
	struct code_address address = { walk->regs.r[CPU_PC],
					walk->is_return };
	struct lunw *lunw = walk_lunw(walk);

	if (!lunw)
		return STEP_NO_RULE;
	walk->unwinder->counts.libunwind_steps++;
	return lunw_step(lunw, walk->snapshot, address, &walk->regs,
			 is_signal);
}

/* Whether rbx and r12 to r15 are what they were in this frame. */
static bool walk_has_saved(const struct walk *walk)
{
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		if (!regs_is_known(&walk->regs, saved_reg(i)))
			return false;
	return true;
}

/* Whether @entry lies in the code that the kernel starts a program at. */
static bool walk_is_at_start(const struct walk *walk,
			     const struct row_entry *entry)
{
	const struct mapping *mapping = space_mapping(
		walk->state->cache.space, entry->mapping_id);
	uint64_t vaddr;

	return mapping_vaddr(mapping, entry->addr, &vaddr) &&
	       mapping->module->entry &&
	       vaddr - mapping->module->entry < START_BYTES_MAX;
}

static int end_of_step(enum step step)
{
	switch (step) {
	case STEP_DONE:
		return WALK_GO_ON;
	case STEP_ROOT:
		return WALK_ROOT;
	case STEP_CUT:
		return WALK_CUT;
	case STEP_NO_FP:
		return WALK_NO_FP;
	case STEP_BAD_STACK:
		return WALK_BAD_STACK;
	case STEP_NO_RULE:
	case STEP_NO_REG:
		return WALK_NO_RULE;
	}
	return WALK_NO_RULE;
}

/* Nothing that was written down says how to step out of it. */
static bool row_is_unsaid(const struct row *row)
{
	return row->kind == ROW_NONE || row->kind == ROW_GUESS;
}

/* Is @addr, of the first frame, right behind a syscall instruction? */
static bool walk_is_behind_syscall(struct walk *walk, taddr addr)
{
	uint8_t code[SYSCALL_BYTES];

	return walk->frames->list.n == 1 &&
	       row_cache_code(&walk->state->cache, addr - SYSCALL_BYTES, code,
			      SYSCALL_BYTES) == SYSCALL_BYTES &&
	       code[0] == 0x0f && code[1] == 0x05;
}

/* Did a system call just give 0: may this be a thread that clone() made? */
static bool walk_may_be_newborn(struct walk *walk, taddr addr)
{
	return regs_is_known(&walk->regs, CPU_RAX) &&
	       walk->regs.r[CPU_RAX] == 0 &&
	       walk_is_behind_syscall(walk, addr);
}

/* Will the frame pointer be cleared next, as new threads do (musl's)? */
static bool walk_is_newborn(struct walk *walk, taddr addr)
{
	uint8_t code[NEWBORN_BYTES];
	size_t n;

	if (!walk_may_be_newborn(walk, addr))
		return false;
	n = row_cache_code(&walk->state->cache, addr, code, sizeof(code));
	return memmem(code, n, "\x31\xed", 2) != NULL; /* xor %ebp, %ebp */
}

/*
 * The walk was in the snapshot of @bytes at @sp, and went on at @to, perhaps
 * on the other stack, or would have (@is_lost).
 */
static void walk_note_switch(struct walk *walk, const uint8_t *bytes, taddr sp,
			     taddr to, bool is_lost)
{
	if (bytes == walk->given->bytes && bytes != walk->snapshot->bytes)
		walk->main_sp = sp;
	if (is_lost || bytes != walk->snapshot->bytes)
		walk->frames->other_fp = to;
	walk->unwinder->counts.lost_switches += is_lost;
}

/*
 * The return address of this frame, at @at, is beyond what was copied. Is it
 * in the other part, or, as the frame is very large or the one before it has
 * changed stacks, shall that be copied next?
 */
static bool walk_reach(struct walk *walk, taddr at)
{
	const struct snapshot *snapshot = walk->snapshot;
	const uint8_t *bytes = snapshot->bytes;
	taddr sp = walk->regs.r[CPU_SP];

	if (at - (snapshot->base + snapshot->n_bytes) < FAR_BYTES ||
	    at < snapshot->base)
		return false;
	if (switch_to_sp(&walk->snapshot, &walk->other, at)) {
		walk_note_switch(walk, bytes, sp, at | OTHER_EXACTLY, false);
		return true;
	}
	walk_note_switch(walk, bytes, sp, at | OTHER_EXACTLY, true);
	return false;
}

static bool walk_reach_row(struct walk *walk, const struct row *row)
{
	if ((row->kind != ROW_PLAIN && row->kind != ROW_GUESS) ||
	    !regs_is_known(&walk->regs, row->cfa_reg))
		return false;
	return walk_reach(walk, walk->regs.r[row->cfa_reg] +
					(taddr)(int64_t)row->cfa_offset - 8);
}

/* By one guess after the other, the best one first. */
static enum step walk_try_guesses(struct walk *walk,
				  const struct row_entry *entry)
{
	struct row_cache *cache = &walk->state->cache;
	const struct row row = entry->row;
	taddr addr = entry->addr;
	bool in_chain = walk->flags & FRAME_GUESSED && !walk->is_searching;
	enum step step = STEP_NO_RULE, last;

	if (walk_is_newborn(walk, addr))
		return STEP_ROOT;
	if (row.kind == ROW_GUESS && walk->unwinder->options.method != WALK_FP)
		step = guess_by_row(cache, walk->snapshot, &row,
				    row_cache_saves(cache, entry),
				    &walk->regs);
	if (step != STEP_NO_RULE && step != STEP_NO_FP)
		return step;
	step = guess_by_frame_pointer(cache, walk->snapshot, &walk->regs,
				      in_chain);
	if ((step != STEP_NO_RULE && step != STEP_NO_FP) ||
	    walk->unwinder->options.method == WALK_FP)
		return step;
	last = guess_by_calls(cache, walk->snapshot, addr, &walk->regs);
	return last == STEP_NO_RULE ? step : last;
}

/* A frame without any rule, or with one that is guessed. */
static int walk_guess(struct walk *walk, const struct row_entry *entry)
{
	struct row row = { .kind = ROW_NONE };
	taddr addr = 0;
	enum step step;

	if (entry && walk_is_at_start(walk, entry))
		return WALK_ROOT;
	if (entry) {
		row = entry->row;
		addr = entry->addr;
	}
	if (walk->unwinder->options.method == WALK_DWARF)
		return WALK_NO_RULE;
	if (entry) {
		step = walk_try_guesses(walk, entry);
		if (step == STEP_CUT && regs_is_known(&walk->regs, CPU_FP) &&
		    walk_reach(walk, walk->regs.r[CPU_FP] + 8))
			step = walk_try_guesses(walk, entry);
		/* Its caller may be code that was just made, or mapped. */
		if (step == STEP_NO_RULE && walk_refresh(walk)) {
			entry = walk_find_entry(walk, addr);
			step = entry ? walk_try_guesses(walk, entry) :
				       STEP_NO_RULE;
		}
	} else {
		step = guess_by_call_to_nowhere(&walk->state->cache,
						walk->snapshot, &walk->regs);
	}
	if (step == STEP_NO_FP && addr)
		return walk_search_fp(walk, &row, addr);
	if (step == STEP_NO_RULE && entry)
		return walk_search_anchor(walk);
	walk->flags = FRAME_GUESSED;
	walk->may_end = false;
	if (step == STEP_DONE) {
		walk->unwinder->counts.guessed_steps++;
		walk->is_return = true;
	}
	return end_of_step(step);
}

/* A frame whose function was called on another stack, or will be left so. */
static enum step walk_switch(struct walk *walk, const struct row_entry *entry)
{
	const uint8_t *bytes = walk->snapshot->bytes;
	taddr sp = walk->regs.r[CPU_SP];
	taddr fp = regs_is_known(&walk->regs, CPU_FP) ?
			   walk->regs.r[CPU_FP] : 0;
	bool is_lost;
	enum step step = switch_step(&walk->state->cache, entry,
				     &walk->snapshot, &walk->other,
				     &walk->regs, &is_lost);

	walk_note_switch(walk, bytes, sp, fp, is_lost);
	return step;
}

/* Signals may be handled on a stack of their own. */
static void walk_leave_signal(struct walk *walk, taddr sp)
{
	const uint8_t *bytes = walk->snapshot->bytes;
	taddr to = walk->regs.r[CPU_SP];
	bool is_lost = !switch_to_sp(&walk->snapshot, &walk->other, to);

	walk_note_switch(walk, bytes, sp, to | OTHER_EXACTLY, is_lost);
}

/* Step out of the frame of @entry, which is noted already. */
static int walk_step(struct walk *walk, const struct row_entry *entry)
{
	const struct row_saves *saves = NULL;
	struct row row = entry->row;
	taddr addr = entry->addr, sp = walk->regs.r[CPU_SP];
	bool is_signal = row.kind == ROW_SIGNAL;
	enum step step;

	if (row.kind == ROW_HARD) {
		if (!walk->keeps_saved && !walk_has_saved(walk))
			return WALK_AGAIN;
		step = walk_step_libunwind(walk, &is_signal);
	} else if (row.kind == ROW_SWITCH) {
		step = walk_switch(walk, entry);
	} else {
		if (walk->keeps_saved)
			saves = row_cache_saves(&walk->state->cache, entry);
		step = row_step(&row, saves, walk->snapshot, &walk->regs);
		if (step == STEP_CUT && walk_reach_row(walk, &row))
			step = row_step(&row, saves, walk->snapshot,
					&walk->regs);
		walk->unwinder->counts.row_hits++;
	}
	if (step == STEP_NO_REG && !walk->keeps_saved)
		return WALK_AGAIN;
	if (step == STEP_NO_FP)
		return walk_search_fp(walk, &row, addr);
	if (is_signal && step == STEP_DONE)
		walk_leave_signal(walk, sp);
	walk->flags = 0;
	walk->may_end = row.flags & ROW_MAY_END;
	walk->is_return = !is_signal;
	return end_of_step(step);
}

/*
 * Is the return address behind @addr the start of a function, and no call in
 * front of it? Then nothing returns there that was called from there: so the
 * first function of a context is set up (glibc's __start_context).
 */
static bool walk_is_made_up(struct walk *walk, taddr addr)
{
	const struct row_entry *entry;

	if (!walk->is_return ||
	    row_cache_is_return(&walk->state->cache, addr + 1))
		return false;
	entry = row_cache_find(&walk->state->cache, addr + 1);
	return entry && entry->row.kind == ROW_PLAIN &&
	       entry->row.cfa_reg == CPU_SP && entry->row.cfa_offset == 8;
}

/*
 * glibc ends the unwind information of clone3() in front of its syscall
 * instruction, since behind it parent and child differ. A result of 0 is the
 * child, which has nothing to return to; for the parent the rule of the
 * instruction before still holds, as a system call moves no stack.
 */
static int walk_unsaid(struct walk *walk, taddr addr)
{
	const struct row_entry *entry;
	struct frame *frame;
	bool is_newborn;

	if (walk_is_made_up(walk, addr)) {
		frame = vec_at(&walk->frames->list, walk->frames->list.n - 1);
		frame->addr = addr + 1;
		return WALK_ROOT;
	}

	if (walk_is_behind_syscall(walk, addr)) {
		is_newborn = walk_may_be_newborn(walk, addr);
		entry = walk_find_entry(walk, addr - SYSCALL_BYTES - 1);
		if (entry && !row_is_unsaid(&entry->row))
			return is_newborn ? WALK_ROOT : walk_step(walk, entry);
	}
	return walk_guess(walk, walk_find_entry(walk, addr));
}

int walk_frame(struct walk *walk)
{
	struct code_address address = { walk->regs.r[CPU_PC],
					walk->is_return };
	taddr addr = code_address_lookup(address);
	size_t depth = walk->frames->list.n;
	const struct row_entry *entry;

	/* Zeros are everywhere: no proof that a search went the right way. */
	if (address.pc == 0 && depth > 0)
		return walk->is_searching ? WALK_BAD_STACK : WALK_ROOT;
	if (depth >= walk->unwinder->options.max_depth)
		return WALK_DEPTH;
	entry = walk_find_entry(walk, addr);
	if (!entry && depth > 0)
		return walk->may_end ? WALK_ROOT : WALK_BAD_STACK;
	if (!entry) {
		frames_add(walk->frames, addr, NO_ID, 0);
		return walk_guess(walk, NULL);
	}
	/* What returns to a trampoline is the kernel's doing: no call is in
	 * front of it, and one less may be another function. */
	if (entry->row.kind == ROW_SIGNAL)
		addr = address.pc;
	frames_add(walk->frames, addr, entry->mapping_id, walk->flags);
	if (walk->unwinder->options.method == WALK_FP)
		return entry->row.kind == ROW_ROOT ? WALK_ROOT :
						     walk_guess(walk, entry);
	return row_is_unsaid(&entry->row) ? walk_unsaid(walk, entry->addr) :
					    walk_step(walk, entry);
}
