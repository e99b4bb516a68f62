/* SPDX-License-Identifier: MIT */
/*
 * anchor.c - out of code that keeps neither tables nor a frame pointer.
 *
 * The code of LuaJIT's traces, of PCRE's patterns, of programs that GHC has
 * compiled runs on top of the frame of who entered it, with a stack of its
 * own elsewhere, or with frames that nothing describes. The first word behind
 * sp that follows a call, by code that has rules, and that leads on by them
 * to the root is taken for the return address of that frame. Words that were
 * left over from earlier calls lead there, too, but join what is there now at
 * a call of another function than theirs: so the calls are compared. A call
 * through a pointer may be of any function. Then only a word that is near is
 * believed, for frames that are large without being written are no JIT's.
 */
#include "unwind/call_target.h"
#include "unwind/walk_state.h"

/* GHC keeps 16 KiB for its code on the stack (RESERVED_C_STACK_BYTES). */
#define SEARCH_BYTES_MAX (24u << 10)
#define TRIALS_MAX 32
#define LINKS_MAX 256 /* that are compared */
#define NEAR_BYTES 1024
#define START_FRAMES 3 /* they call main, or a thread's function, by pointer */

struct anchor_search {
	struct walk *walk;
	struct walk saved; /* at the frame that is to be left */
	size_t n_frames;
	unsigned int n_trials;
};

static void anchor_undo(struct anchor_search *search)
{
	*search->walk = search->saved;
	search->walk->frames->list.n = search->n_frames;
}

static taddr anchor_addr(const struct anchor_search *search, size_t i)
{
	const struct frame *frame =
		vec_at(&search->walk->frames->list, i);

	return frame->addr;
}

/* Has frame @i + 1 called frame @i? */
static enum call_verdict anchor_link(const struct anchor_search *search,
				     size_t i)
{
	struct row_cache *cache = &search->walk->state->cache;
	taddr function;

	if (!row_cache_function(cache, anchor_addr(search, i), &function))
		return CALL_BLIND;
	return call_leads_to(cache, anchor_addr(search, i + 1) + 1, function);
}

/* May each frame that was found have called the one before it? */
static bool anchor_is_called(const struct anchor_search *search, bool is_near)
{
	size_t n = search->walk->frames->list.n;
	size_t end = search->n_frames + LINKS_MAX;

	if (n > end && !is_near)
		return false;
	for (size_t i = search->n_frames; i + 1 < n && i < end; i++) {
		enum call_verdict verdict = anchor_link(search, i);
		bool may_be_blind = is_near || i + 1 + START_FRAMES >= n;

		if (verdict == CALL_OTHER ||
		    (verdict == CALL_BLIND && !may_be_blind))
			return false;
	}
	return true;
}

/* Is @pc behind a call, in code that has a rule? */
static bool has_rule(struct row_cache *cache, taddr pc)
{
	const struct row_entry *entry;

	/* Words that are no return address shall leave no row behind. */
	if (call_leads_to(cache, pc, 0) == CALL_NONE)
		return false;
	entry = row_cache_find(cache, pc - 1);
	return entry && entry->row.kind != ROW_NONE &&
	       entry->row.kind != ROW_GUESS && entry->row.kind != ROW_ROOT;
}

/* Walk on as if the word at @slot, @pc, was the return address. */
static int anchor_try(struct anchor_search *search, taddr slot, taddr pc)
{
	struct walk *walk = search->walk;
	taddr fp = walk->regs.r[CPU_FP], sp = walk->regs.r[CPU_SP];
	bool has_fp = regs_is_known(&walk->regs, CPU_FP) && fp > slot;
	int end;

	search->n_trials++;
	walk->regs.known = 0;
	regs_set(&walk->regs, CPU_PC, pc);
	regs_set(&walk->regs, CPU_SP, slot + 8);
	if (has_fp)
		regs_set(&walk->regs, CPU_FP, fp);
	walk->flags = FRAME_GUESSED;
	walk->may_end = false;
	walk->is_return = true;
	walk->is_searching = true;
	walk->unwinder->counts.guessed_steps++;
	end = walk_loop(walk);
	if ((end == WALK_ROOT || end == WALK_CUT) &&
	    anchor_is_called(search, slot - sp < NEAR_BYTES))
		return end;
	anchor_undo(search);
	return WALK_NO_RULE;
}

int walk_search_anchor(struct walk *walk)
{
	const struct snapshot *snapshot = walk->snapshot;
	struct anchor_search search = {
		.walk = walk,
		.saved = *walk,
		.n_frames = walk->frames->list.n,
	};
	taddr sp = walk->regs.r[CPU_SP];
	int end = WALK_NO_RULE;

	if (walk->is_searching ||
	    walk->unwinder->options.method != WALK_AUTO)
		return end;
	sp = (sp + 7) & ~(taddr)7;
	for (taddr at = sp; at - sp < SEARCH_BYTES_MAX &&
			    search.n_trials < TRIALS_MAX &&
			    end == WALK_NO_RULE; at += 8) {
		enum step step;
		uint64_t pc;

		step = snapshot_read(snapshot, at, &pc);
		if (step == STEP_CUT && snapshot->is_cut)
			return WALK_CUT; /* the next copy is longer */
		if (step != STEP_DONE)
			break;
		if (has_rule(&walk->state->cache, pc))
			end = anchor_try(&search, at, pc);
	}
	walk->is_searching = false;
	return end;
}
