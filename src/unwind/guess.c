/* SPDX-License-Identifier: MIT */
/* guess.c - steps out of frames for which there is no rule. */
#include "unwind/guess.h"

#include "unwind/call_target.h"

/* No frame of a compiled function is larger; a wild rbp mostly is. */
#define FRAME_BYTES_MAX (8u << 20)
/* How much of the stack is searched for a return address. */
#define SEARCH_BYTES_MAX 8192

/*
 * Code that was made at run time: an interpreter returns to addresses from a
 * table of its own (HotSpot's), which no call stands in front of.
 */
static bool is_made_at_run_time(struct row_cache *cache, taddr pc)
{
	const struct mapping *mapping = space_find(cache->space, pc);

	return mapping && mapping->is_executable && !mapping->module;
}

/* Accept the caller at (@pc, @sp) if it stands up to inspection. */
static enum step accept_caller(struct row_cache *cache, struct regs *regs,
			       taddr pc, taddr sp)
{
	if (sp <= regs->r[CPU_SP] || !row_cache_is_return(cache, pc))
		return STEP_NO_RULE;
	regs->known = 0;
	regs_set(regs, CPU_PC, pc);
	regs_set(regs, CPU_SP, sp);
	return STEP_DONE;
}

enum step guess_by_frame_pointer(struct row_cache *cache,
				 const struct snapshot *snapshot,
				 struct regs *regs, bool in_chain)
{
	taddr fp = regs->r[CPU_FP], sp = regs->r[CPU_SP];
	uint64_t caller_fp, pc;
	enum step step;

	if (!regs_is_known(regs, CPU_FP))
		return STEP_NO_FP;
	/* psABI 3.4.1: a zero frame pointer marks the deepest frame. */
	if (fp == 0 && in_chain)
		return STEP_ROOT;
	if (fp < sp || fp - sp > FRAME_BYTES_MAX || fp % 8 != 0)
		return STEP_NO_RULE;
	step = snapshot_read(snapshot, fp, &caller_fp);
	if (step == STEP_DONE)
		step = snapshot_read(snapshot, fp + 8, &pc);
	if (step != STEP_DONE)
		return step == STEP_CUT && snapshot->is_cut ? STEP_CUT :
							      STEP_NO_RULE;
	if (pc == 0 && in_chain)
		return STEP_ROOT;
	if (fp + 16 > sp && caller_fp > fp && is_made_at_run_time(cache, pc)) {
		regs->known = 0;
		regs_set(regs, CPU_PC, pc);
		regs_set(regs, CPU_SP, fp + 16);
		step = STEP_DONE;
	} else {
		step = accept_caller(cache, regs, pc, fp + 16);
	}
	if (step == STEP_DONE)
		regs_set(regs, CPU_FP, caller_fp);
	return step;
}

static enum step try_row(struct row_cache *cache,
			 const struct snapshot *snapshot,
			 const struct row *row, const struct row_saves *saves,
			 struct regs *regs)
{
	struct regs caller = *regs;
	enum step step = row_step(row, saves, snapshot, &caller);

	if (step == STEP_CUT)
		return snapshot->is_cut ? STEP_CUT : STEP_NO_RULE;
	if (step == STEP_BAD_STACK)
		return STEP_NO_RULE;
	if (step != STEP_DONE)
		return step;
	if (!row_cache_is_return(cache, caller.r[CPU_PC]))
		return STEP_NO_RULE;
	*regs = caller;
	return STEP_DONE;
}

enum step guess_by_row(struct row_cache *cache,
		       const struct snapshot *snapshot, const struct row *row,
		       const struct row_saves *saves, struct regs *regs)
{
	struct row by_sp = *row;
	enum step step = try_row(cache, snapshot, row, saves, regs);

	/* What was pushed may have been miscounted; fp is what it is. */
	if (step == STEP_DONE || row->extra == 0)
		return step;
	by_sp.cfa_reg = CPU_SP;
	by_sp.cfa_offset = row->extra;
	return try_row(cache, snapshot, &by_sp, saves, regs);
}

enum step guess_by_calls(struct row_cache *cache,
			 const struct snapshot *snapshot, taddr addr,
			 struct regs *regs)
{
	taddr sp = regs->r[CPU_SP], function;

	if (!row_cache_function(cache, addr, &function))
		return STEP_NO_RULE;
	for (taddr at = sp; at - sp < SEARCH_BYTES_MAX; at += 8) {
		uint64_t pc;

		if (snapshot_read(snapshot, at, &pc) != STEP_DONE)
			break;
		if (call_leads_to(cache, pc, function) != CALL_HITS)
			continue;
		return accept_caller(cache, regs, pc, at + 8);
	}
	return STEP_NO_RULE;
}

enum step guess_by_call_to_nowhere(struct row_cache *cache,
				   const struct snapshot *snapshot,
				   struct regs *regs)
{
	taddr sp = regs->r[CPU_SP], fp = regs->r[CPU_FP];
	bool has_fp = regs_is_known(regs, CPU_FP);
	enum step step;
	uint64_t pc;

	step = snapshot_read(snapshot, sp, &pc);
	if (step == STEP_DONE)
		step = accept_caller(cache, regs, pc, sp + 8);
	if (step == STEP_DONE && has_fp)
		regs_set(regs, CPU_FP, fp);
	return step == STEP_DONE ? STEP_DONE : STEP_NO_RULE;
}
