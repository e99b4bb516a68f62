/* SPDX-License-Identifier: MIT */
/*
 * walk.c - from a snapshot to the addresses of its frames.
 *
 * walk_plain() is the loop that takes nearly every step: plain rows that are
 * in the cache, with sp, fp and pc in registers. At anything else it stops in
 * front of that frame, and walk_frame() does it with all the care there is.
 *
 * Plain steps lose rbx and r12 to r15. When a frame further out needs one of
 * them, the snapshot is walked once more with their rules applied as well.
 */
#include "unwind/walk.h"

#include "util/clock.h"
#include "util/mem.h"
#include "unwind/walk_state.h"

#define REFRESH_NS (10 * NS_PER_MS)
/* Reading the maps again may take this part of the unwinder's time. */
#define REFRESH_SHARE 20
#define FRAMES_FIRST 256

const char *walk_end_name(enum walk_end end)
{
	static const char *const names[N_WALK_ENDS] = {
		[WALK_ROOT] = "root",
		[WALK_CUT] = "cut",
		[WALK_DEPTH] = "depth",
		[WALK_NO_RULE] = "no rule",
		[WALK_NO_FP] = "frame pointer unknown",
		[WALK_BAD_STACK] = "bad stack",
	};

	return names[end];
}

struct unwinder *unwinder_new(const struct walk_options *options)
{
	struct unwinder *unwinder = xcalloc(1, sizeof(*unwinder));

	unwinder->options = *options;
	if (!unwinder->options.max_depth)
		unwinder->options.max_depth = WALK_DEPTH_DEFAULT;
	row_store_init(&unwinder->store);
	unwinder->store.open_debug_file = options->open_debug_file;
	unwinder->states = VEC_OF(struct space_state *);
	return unwinder;
}

static void space_state_free(struct space_state *state)
{
	row_cache_clear(&state->cache);
	lunw_free(state->lunw);
	free(state);
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	for (size_t i = 0; i < unwinder->states.n; i++)
		space_state_free(*(struct space_state **)vec_at(
			&unwinder->states, i));
	vec_clear(&unwinder->states);
	row_store_clear(&unwinder->store);
	free(unwinder);
}

void unwinder_forget(struct unwinder *unwinder, struct space *space)
{
	for (size_t i = 0; i < unwinder->states.n; i++) {
		struct space_state *state =
			*(struct space_state **)vec_at(&unwinder->states, i);

		if (state->cache.space != space)
			continue;
		if (unwinder->last == state)
			unwinder->last = NULL;
		space_state_free(state);
		vec_remove_swap(&unwinder->states, i);
		return;
	}
}

const struct walk_counts *unwinder_counts(const struct unwinder *unwinder)
{
	return &unwinder->counts;
}

static struct space_state *unwinder_state(struct unwinder *unwinder,
					  struct space *space)
{
	struct space_state **slot, *state = unwinder->last;

	if (state && state->cache.space == space)
		return state;
	for (size_t i = 0; i < unwinder->states.n; i++) {
		state = *(struct space_state **)vec_at(&unwinder->states, i);
		if (state->cache.space == space) {
			unwinder->last = state;
			return state;
		}
	}
	state = xcalloc(1, sizeof(*state));
	row_cache_init(&state->cache, space, &unwinder->store);
	slot = vec_push(&unwinder->states);
	*slot = state;
	unwinder->last = state;
	return state;
}

static void space_state_sync(struct space_state *state)
{
	if (row_cache_sync(&state->cache) && state->lunw)
		lunw_flush(state->lunw);
}

/* Read the maps again, unless that was done just now. */
static bool space_state_refresh(struct space_state *state)
{
	int64_t start = clock_now_ns(), cost;
	bool is_done;

	if (start < state->next_refresh_ns)
		return false;
	is_done = space_refresh(state->cache.space);
	cost = (clock_now_ns() - start) * REFRESH_SHARE;
	state->next_refresh_ns = start + (cost > REFRESH_NS ? cost :
							      REFRESH_NS);
	space_state_sync(state);
	return is_done;
}

bool walk_refresh(struct walk *walk)
{
	return space_state_refresh(walk->state);
}

struct row_entry *walk_find_entry(struct walk *walk, taddr addr)
{
	struct row_entry *entry = row_cache_find(&walk->state->cache, addr);

	if (!entry && walk_refresh(walk))
		entry = row_cache_find(&walk->state->cache, addr);
	return entry;
}

/* The registers that plain steps go by, kept out of memory. */
struct plain_regs {
	taddr sp, fp;
	struct code_address address;
	bool has_fp, may_end;
};

/* One step by @row if it is plain and all goes well; else nothing changes. */
static inline bool plain_step(const struct row *row,
			      const struct snapshot *snapshot,
			      struct plain_regs *regs)
{
	bool is_sp = row->cfa_reg == CPU_SP;
	taddr cfa, fp = regs->fp;
	uint64_t pc;

	if (row->kind != ROW_PLAIN ||
	    (!is_sp && (row->cfa_reg != CPU_FP || !regs->has_fp)))
		return false;
	cfa = (is_sp ? regs->sp : fp) + (taddr)(int64_t)row->cfa_offset;
	if (cfa <= regs->sp ||
	    snapshot_read(snapshot, cfa - 8, &pc) != STEP_DONE)
		return false;
	if (row->fp_rule == RULE_AT_CFA) {
		if (snapshot_read(snapshot,
				  cfa + (taddr)(int64_t)row->fp_offset,
				  &fp) != STEP_DONE)
			return false;
		regs->has_fp = true;
	} else if (row->fp_rule == RULE_UNKNOWN) {
		regs->has_fp = false;
	} else if (row->fp_rule != RULE_SAME) {
		return false;
	}
	regs->may_end = row->flags & ROW_MAY_END;
	regs->sp = cfa;
	regs->fp = fp;
	regs->address = (struct code_address){ pc, true };
	return true;
}

/*
 * Take plain steps by cached rows as long as they go, and leave the walk in
 * front of the first frame that wants more.
 */
static void walk_plain(struct walk *walk)
{
	const struct row_cache *cache = &walk->state->cache;
	struct vec *list = &walk->frames->list;
	size_t limit = walk->unwinder->options.max_depth, n = list->n;
	struct frame *frames = list->data;
	struct plain_regs regs = {
		.sp = walk->regs.r[CPU_SP],
		.fp = walk->regs.r[CPU_FP],
		.address = { walk->regs.r[CPU_PC], walk->is_return },
		.has_fp = regs_is_known(&walk->regs, CPU_FP),
	};

	if (limit > list->cap)
		limit = list->cap;
	while (n < limit) {
		taddr addr = code_address_lookup(regs.address);
		const struct row_entry *entry = row_cache_probe(cache, addr);

		if (!entry ||
		    !plain_step(&entry->row, walk->snapshot, &regs))
			break;
		frames[n++] = (struct frame){
			.addr = addr,
			.mapping_id = entry->mapping_id,
			.flags = walk->flags,
		};
		walk->flags = 0;
	}
	if (n == list->n)
		return;
	walk->unwinder->counts.row_hits += n - list->n;
	list->n = n;
	walk->is_return = true;
	walk->may_end = regs.may_end;
	walk->regs.known = 0;
	regs_set(&walk->regs, CPU_SP, regs.sp);
	regs_set(&walk->regs, CPU_PC, regs.address.pc);
	if (regs.has_fp)
		regs_set(&walk->regs, CPU_FP, regs.fp);
}

struct lunw *walk_lunw(struct walk *walk)
{
	if (!walk->state->lunw)
		walk->state->lunw = lunw_new(walk->state->cache.space);
	return walk->state->lunw;
}

int walk_loop(struct walk *walk)
{
	bool has_plain = !walk->keeps_saved &&
			 walk->unwinder->options.method != WALK_FP;
	int end = WALK_GO_ON;

	while (end == WALK_GO_ON) {
		if (has_plain)
			walk_plain(walk);
		end = walk_frame(walk);
	}
	return end;
}

static int walk_run(struct walk *walk, bool keeps_saved)
{
	walk->snapshot = walk->given;
	walk->main_sp = 0;
	walk->regs = walk->snapshot->regs;
	walk->is_return = false;
	walk->may_end = false;
	walk->keeps_saved = keeps_saved;
	walk->flags = 0;
	walk->is_searching = false;
	walk->frames->other_fp = 0;
	walk->frames->list.n = 0;
	return walk_loop(walk);
}

static void frames_prepare(struct frames *frames)
{
	if (!frames->list.elem_bytes)
		frames->list = VEC_OF(struct frame);
	if (frames->list.cap < FRAMES_FIRST)
		vec_reserve(&frames->list, FRAMES_FIRST);
	frames->list.n = 0;
}

void unwinder_walk(struct unwinder *unwinder, struct space *space,
		   const struct snapshot *snapshot, struct frames *frames)
{
	struct walk walk = {
		.unwinder = unwinder,
		.state = unwinder_state(unwinder, space),
		.given = snapshot,
		.frames = frames,
	};
	struct walk_counts *counts = &unwinder->counts;
	int end;

	space_state_sync(walk.state);
	frames_prepare(frames);
	end = walk_run(&walk, false);
	if (end == WALK_AGAIN)
		end = walk_run(&walk, true);
	/* With all rules applied there is nothing more to be had. */
	frames->end = end < 0 ? WALK_NO_RULE : (enum walk_end)end;
	frames->used_bytes = (walk.snapshot->bytes == snapshot->bytes ?
				      walk.regs.r[CPU_SP] : walk.main_sp) -
			     snapshot->base;
	if (frames->used_bytes > snapshot->n_bytes)
		frames->used_bytes = snapshot->n_bytes;
	counts->stacks++;
	counts->frames += frames->list.n;
	counts->row_lookups = unwinder->store.n_lookups;
	counts->ends[frames->end]++;
}

void unwinder_walk_libunwind(struct unwinder *unwinder, struct space *space,
			     const struct snapshot *snapshot,
			     struct frames *frames)
{
	struct walk walk = { .state = unwinder_state(unwinder, space) };
	struct lunw *lunw = walk_lunw(&walk);

	space_state_sync(walk.state);
	frames_prepare(frames);
	if (!lunw) {
		frames_add(frames, snapshot->regs.r[CPU_PC], NO_ID, 0);
		frames->end = WALK_NO_RULE;
		return;
	}
	lunw_walk(lunw, snapshot, unwinder->options.max_depth, frames);
}
