/* SPDX-License-Identifier: MIT */
/*
 * fp_search.c - the frame pointer of a thread that was not stopped.
 *
 * A blocked thread is read without a stop, and so without its rbp. Where its
 * first frames need that one (libraries built with frame pointers), their
 * return address is looked for on the copied stack. Most often the code of
 * the function tells where it is. Else it is a word behind a call of the
 * very function that waits, from which the walk goes on to the root; or the
 * lowest one behind a call through a pointer that does. Then there must be
 * no other way to the root than along that one's callers.
 */
#include "unwind/call_target.h"
#include "unwind/walk_state.h"

#define SEARCH_BYTES_MAX 8192
#define TRIALS_MAX 16
/* psABI 3.2.2: push %rbp; mov %rsp, %rbp */
#define FP_TO_CFA 16

struct fp_search {
	struct walk *walk;
	struct walk saved; /* at the frame whose frame pointer is wanted */
	size_t n_frames;
	struct row row;
	taddr addr, function;
	unsigned int n_trials;
};

static void search_undo(struct fp_search *search)
{
	*search->walk = search->saved;
	search->walk->frames->list.n = search->n_frames;
}

/* Walk on as if the word at @slot was the return address. */
static int search_try(struct fp_search *search, taddr slot)
{
	struct walk *walk = search->walk;
	struct row_cache *cache = &walk->state->cache;
	const struct row_entry *entry = row_cache_find(cache, search->addr);
	const struct row_saves *saves = NULL;

	search->n_trials++;
	if (!entry)
		return WALK_NO_FP;
	if (walk->keeps_saved)
		saves = row_cache_saves(cache, entry);
	regs_set(&walk->regs, CPU_FP,
		 slot + 8 - (taddr)(int64_t)search->row.cfa_offset);
	if (row_step(&search->row, saves, walk->snapshot, &walk->regs) !=
	    STEP_DONE)
		return WALK_NO_FP;
	walk->flags = FRAME_GUESSED;
	walk->may_end = false;
	walk->is_return = true;
	walk->unwinder->counts.guessed_steps++;
	return walk_loop(walk);
}

/* The next slot from @at on with a return address of this kind, or 0. */
static taddr search_next(const struct fp_search *search, taddr at,
			 enum call_verdict wanted)
{
	const struct walk *walk = search->walk;
	taddr sp = walk->regs.r[CPU_SP];

	for (; at - sp < SEARCH_BYTES_MAX; at += 8) {
		uint64_t pc;

		if (snapshot_read(walk->snapshot, at, &pc) != STEP_DONE)
			break;
		if (call_leads_to(&walk->state->cache, pc,
				  search->function) == wanted)
			return at;
	}
	return 0;
}

/* Where the code of the function says. */
static int search_by_code(struct fp_search *search)
{
	struct row_cache *cache = &search->walk->state->cache;
	taddr sp = search->walk->regs.r[CPU_SP];
	int32_t depth;
	struct row row;
	uint64_t pc;
	int end;

	if (!row_cache_guess(cache, search->addr, &row))
		return WALK_NO_FP;
	depth = row.cfa_reg == CPU_SP ? row.cfa_offset : row.extra;
	if (depth == 0)
		return WALK_NO_FP;
	sp += (taddr)(int64_t)depth - 8;
	if (snapshot_read(search->walk->snapshot, sp, &pc) != STEP_DONE ||
	    call_leads_to(cache, pc, search->function) == CALL_NONE)
		return WALK_NO_FP;
	end = search_try(search, sp);
	if (end == WALK_ROOT || end == WALK_CUT || end == WALK_AGAIN)
		return end;
	search_undo(search);
	return WALK_NO_FP;
}

/*
 * The lowest call of the function that leads to the root; or the only one
 * that leads to where the copy of the stack ends.
 */
static int search_hits(struct fp_search *search)
{
	taddr at = search->walk->regs.r[CPU_SP], cut_at = 0;
	unsigned int n_cut = 0;

	while (search->n_trials < TRIALS_MAX &&
	       (at = search_next(search, at, CALL_HITS))) {
		int end = search_try(search, at);

		if (end == WALK_ROOT || end == WALK_AGAIN)
			return end;
		if (end == WALK_CUT) {
			n_cut++;
			cut_at = at;
		}
		search_undo(search);
		at += 8;
	}
	return n_cut == 1 ? search_try(search, cut_at) : WALK_NO_FP;
}

static taddr found_addr(const struct fp_search *search, size_t i)
{
	const struct frame *frame =
		vec_at(&search->walk->frames->list, search->n_frames + i);

	return frame->addr;
}

/* May the second frame that was found have called the first? */
static bool found_is_called(const struct fp_search *search)
{
	struct row_cache *cache = &search->walk->state->cache;
	taddr function;

	if (search->walk->frames->list.n < search->n_frames + 2 ||
	    !row_cache_function(cache, found_addr(search, 0), &function))
		return true;
	return call_leads_to(cache, found_addr(search, 1) + 1, function) !=
	       CALL_OTHER;
}

/* Are the frames that were found the outermost ones of @first? */
static bool found_is_tail(const struct fp_search *search,
			  const struct vec *first)
{
	size_t n = search->walk->frames->list.n - search->n_frames;

	for (size_t i = 0; i < n && n <= first->n; i++) {
		const taddr *addr = vec_at(first, first->n - n + i);

		if (*addr != found_addr(search, i))
			return false;
	}
	return n <= first->n;
}

static void keep_found(const struct fp_search *search, struct vec *first)
{
	size_t n = search->walk->frames->list.n - search->n_frames;

	for (size_t i = 0; i < n; i++)
		*(taddr *)vec_push(first) = found_addr(search, i);
}

/* The lowest call through a pointer that leads to the root. */
static int search_pointers(struct fp_search *search)
{
	taddr at = search->walk->regs.r[CPU_SP], first_at = 0;
	struct vec first = VEC_OF(taddr);
	bool is_clear = true;
	int end = WALK_NO_FP;

	while (is_clear && end != WALK_AGAIN &&
	       search->n_trials < TRIALS_MAX &&
	       (at = search_next(search, at, CALL_BLIND))) {
		end = search_try(search, at);
		if (end == WALK_ROOT && first_at) {
			is_clear = found_is_tail(search, &first);
		} else if (end == WALK_ROOT && found_is_called(search)) {
			keep_found(search, &first);
			first_at = at;
		}
		search_undo(search);
		at += 8;
	}
	vec_clear(&first);
	if (end == WALK_AGAIN)
		return end;
	return is_clear && first_at ? search_try(search, first_at) :
				      WALK_NO_FP;
}

int walk_search_fp(struct walk *walk, const struct row *row, taddr addr)
{
	struct fp_search search = {
		.walk = walk,
		.n_frames = walk->frames->list.n,
		.row = *row,
		.addr = addr,
	};
	int end;

	if (walk->is_searching ||
	    walk->unwinder->options.method != WALK_AUTO)
		return WALK_NO_FP;
	if (row->kind == ROW_NONE)
		search.row = (struct row){ ROW_PLAIN, CPU_FP, RULE_AT_CFA, 0,
					   FP_TO_CFA, -FP_TO_CFA, 0 };
	else if (row->cfa_reg != CPU_FP ||
		 (row->kind != ROW_PLAIN && row->kind != ROW_GUESS))
		return WALK_NO_FP;
	walk->is_searching = true;
	search.saved = *walk;
	if (!row_cache_function(&walk->state->cache, addr, &search.function))
		search.function = 0;
	end = search_by_code(&search);
	if (end == WALK_NO_FP)
		end = search_hits(&search);
	if (end == WALK_NO_FP)
		end = search_pointers(&search);
	if (end == WALK_NO_FP)
		search_undo(&search);
	walk->is_searching = false;
	return end;
}
