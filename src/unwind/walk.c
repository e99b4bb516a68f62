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
#include "unwind/code_address.h"
#include "unwind/guess.h"
#include "unwind/lunw.h"
#include "unwind/row_cache.h"

#define REFRESH_NS (10 * NS_PER_MS)
/* Reading the maps again may take this part of the unwinder's time. */
#define REFRESH_SHARE 20
#define FRAMES_FIRST 256
/* "_start" is shorter than this on every libc. */
#define START_BYTES_MAX 64
#define SYSCALL_BYTES 2 /* 0f 05 */

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
	const struct snapshot *snapshot;
	struct frames *frames;
	struct regs regs;
	bool is_return;	  /* regs.pc is a return address */
	bool may_end;	  /* this frame may be beyond the root */
	bool keeps_saved; /* rows are to restore rbx, r12-r15 too */
	uint32_t flags;	  /* of the next frame */
};

/* What a frame did to the walk: go on, start again, or an enum walk_end. */
enum { WALK_GO_ON = -1, WALK_AGAIN = -2 };

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

static struct row_entry *walk_find_entry(struct walk *walk, taddr addr)
{
	struct row_entry *entry = row_cache_find(&walk->state->cache, addr);

	if (!entry && space_state_refresh(walk->state))
		entry = row_cache_find(&walk->state->cache, addr);
	return entry;
}

static void frames_add(struct frames *frames, taddr addr, uint32_t mapping_id,
		       uint32_t flags)
{
	struct frame *frame = vec_push(&frames->list);

	frame->addr = addr;
	frame->mapping_id = mapping_id;
	frame->flags = flags;
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

static struct lunw *walk_lunw(struct walk *walk)
{
	if (!walk->state->lunw)
		walk->state->lunw = lunw_new(walk->state->cache.space);
	return walk->state->lunw;
}

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

/*
 * A frame without any rule. The order is that of DESIGN, "No CFI": rows
 * from Go's own tables and from the prologue go in front of the chain of
 * frame pointers here.
 */
static int walk_guess(struct walk *walk, const struct row_entry *entry)
{
	enum step step;

	if (entry && walk_is_at_start(walk, entry))
		return WALK_ROOT;
	if (walk->unwinder->options.method == WALK_DWARF)
		return WALK_NO_RULE;
	if (entry)
		step = guess_by_frame_pointer(&walk->state->cache,
					      walk->snapshot, &walk->regs,
					      walk->flags & FRAME_GUESSED);
	else
		step = guess_by_call_to_nowhere(&walk->state->cache,
						walk->snapshot, &walk->regs);
	walk->flags = FRAME_GUESSED;
	walk->may_end = false;
	if (step == STEP_DONE) {
		walk->unwinder->counts.guessed_steps++;
		walk->is_return = true;
	}
	return end_of_step(step);
}

/* Is the pc of the first frame right behind a syscall instruction? */
static bool walk_is_behind_syscall(const struct walk *walk,
				   const struct row_entry *entry)
{
	const struct mapping *mapping = space_mapping(
		walk->state->cache.space, entry->mapping_id);
	uint8_t code[SYSCALL_BYTES];
	uint64_t vaddr;

	return walk->frames->list.n == 1 &&
	       mapping_vaddr(mapping, entry->addr - SYSCALL_BYTES, &vaddr) &&
	       module_read(mapping->module, vaddr, code, SYSCALL_BYTES) ==
		       SYSCALL_BYTES &&
	       code[0] == 0x0f && code[1] == 0x05;
}

/*
 * glibc ends the unwind information of clone3() in front of its syscall
 * instruction, since behind it parent and child differ. A result of 0 is the
 * child, which has nothing to return to; for the parent the rule of the
 * instruction before still holds, as a system call moves no stack.
 */
static const struct row_entry *walk_entry_of_call(struct walk *walk,
						  const struct row_entry *entry)
{
	if (entry->row.kind != ROW_NONE ||
	    !walk_is_behind_syscall(walk, entry))
		return entry;
	return walk_find_entry(walk, entry->addr - SYSCALL_BYTES - 1);
}

static bool walk_is_newborn(const struct walk *walk,
			    const struct row_entry *entry)
{
	return entry->row.kind == ROW_NONE &&
	       regs_is_known(&walk->regs, CPU_RAX) &&
	       walk->regs.r[CPU_RAX] == 0 &&
	       walk_is_behind_syscall(walk, entry);
}

/* Step out of the frame of @entry, which is noted already. */
static int walk_step(struct walk *walk, const struct row_entry *entry)
{
	const struct row_saves *saves = NULL;
	struct row row = entry->row;
	bool is_signal = row.kind == ROW_SIGNAL;
	enum step step;

	if (row.kind == ROW_NONE)
		return walk_guess(walk, entry);
	if (row.kind == ROW_HARD) {
		if (!walk->keeps_saved && !walk_has_saved(walk))
			return WALK_AGAIN;
		step = walk_step_libunwind(walk, &is_signal);
	} else {
		if (walk->keeps_saved)
			saves = row_cache_saves(&walk->state->cache, entry);
		step = row_step(&row, saves, walk->snapshot, &walk->regs);
		walk->unwinder->counts.row_hits++;
	}
	if (step == STEP_NO_REG && !walk->keeps_saved)
		return WALK_AGAIN;
	walk->flags = 0;
	walk->may_end = row.flags & ROW_MAY_END;
	walk->is_return = !is_signal;
	return end_of_step(step);
}

/* Note one frame, and step out of it. */
static int walk_frame(struct walk *walk)
{
	struct code_address address = { walk->regs.r[CPU_PC],
					walk->is_return };
	taddr addr = code_address_lookup(address);
	size_t depth = walk->frames->list.n;
	const struct row_entry *entry;

	if (address.pc == 0 && depth > 0)
		return WALK_ROOT;
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
	if (walk_is_newborn(walk, entry))
		return WALK_ROOT;
	entry = walk_entry_of_call(walk, entry);
	return entry ? walk_step(walk, entry) : WALK_NO_RULE;
}

static int walk_run(struct walk *walk, bool keeps_saved)
{
	bool has_plain = !keeps_saved &&
			 walk->unwinder->options.method != WALK_FP;
	int end = WALK_GO_ON;

	walk->regs = walk->snapshot->regs;
	walk->is_return = false;
	walk->may_end = false;
	walk->keeps_saved = keeps_saved;
	walk->flags = 0;
	walk->frames->list.n = 0;
	while (end == WALK_GO_ON) {
		if (has_plain)
			walk_plain(walk);
		end = walk_frame(walk);
	}
	return end;
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
		.snapshot = snapshot,
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
	frames->used_bytes = walk.regs.r[CPU_SP] - snapshot->base;
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
