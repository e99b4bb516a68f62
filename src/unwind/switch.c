/* SPDX-License-Identifier: MIT */
/*
 * switch.c - steps out of functions that run on another stack than the one
 * they were called on.
 *
 * A return address belongs to the function when the call before it does: it
 * is looked for where it is before the switch; at the frame that rbp points
 * to, which is the function's own since Go 1.21; and below that one's, which
 * before was the caller's, as the function had no frame. In the last case
 * the caller's row must lead to the same frame. Some functions keep sp itself
 * in rbp (runtime.walltime before Go 1.14).
 */
#include "unwind/switch.h"

#include "unwind/call_target.h"

/* Arguments and locals of those that call such functions; 296 the largest
 * (runtime.gcBgMarkWorker, Go 1.26). */
#define CALLER_BYTES_MAX OTHER_BYTES_BELOW
/* A chain of more frames than that is none of the runtime's. */
#define CHAIN_MAX 128

struct change {
	struct row_cache *cache;
	const struct snapshot *snapshot;
	taddr function;
};

/* Whether the word at @addr is where @change's function returns to. */
static bool change_returns_at(const struct change *change, taddr addr,
			      uint64_t *out_pc)
{
	return snapshot_read(change->snapshot, addr, out_pc) == STEP_DONE &&
	       call_is_direct(change->cache, *out_pc, change->function);
}

static void set_caller(struct regs *regs, uint64_t pc, taddr sp, bool has_fp,
		       uint64_t fp)
{
	regs->known = 0;
	regs_set(regs, CPU_PC, pc);
	regs_set(regs, CPU_SP, sp);
	if (has_fp)
		regs_set(regs, CPU_FP, fp);
}

/* The caller's frame holds what @fp points to: reckon it from its row. */
static bool caller_has_frame(const struct change *change, taddr addr,
			     uint64_t pc, taddr fp)
{
	const struct row_entry *entry = row_cache_find(change->cache, pc - 1);

	return entry && entry->row.kind == ROW_PLAIN &&
	       entry->row.cfa_reg == CPU_SP &&
	       entry->row.fp_rule == RULE_AT_CFA &&
	       addr + 8 + (taddr)(int64_t)entry->row.cfa_offset +
			       (taddr)(int64_t)entry->row.fp_offset == fp;
}

static bool step_by_fp(const struct change *change, const struct row *row,
		       struct regs *regs)
{
	taddr fp = regs->r[CPU_FP], cfa;
	uint64_t pc, caller_fp;

	if (snapshot_read(change->snapshot, fp, &caller_fp) == STEP_DONE &&
	    change_returns_at(change, fp + 8, &pc)) {
		set_caller(regs, pc, fp + 16, true, caller_fp);
		return true;
	}
	cfa = fp + (taddr)(int64_t)row->cfa_offset;
	if (change_returns_at(change, cfa - 8, &pc)) {
		set_caller(regs, pc, cfa, false, 0);
		return true;
	}
	for (taddr addr = fp - 8; fp - addr <= CALLER_BYTES_MAX; addr -= 8) {
		if (!change_returns_at(change, addr, &pc) ||
		    !caller_has_frame(change, addr, pc, fp))
			continue;
		set_caller(regs, pc, addr + 8, true, fp);
		return true;
	}
	return false;
}

/* A stack that was only aligned: the return address is not far above. */
static bool step_upwards(const struct change *change, struct regs *regs)
{
	taddr sp = regs->r[CPU_SP];

	for (taddr addr = sp; addr - sp <= CALLER_BYTES_MAX; addr += 8) {
		uint64_t pc;

		if (!change_returns_at(change, addr, &pc))
			continue;
		set_caller(regs, pc, addr + 8, false, 0);
		return true;
	}
	return false;
}

static bool is_in_other(const struct snapshot *snapshot, taddr addr)
{
	return addr - snapshot->other_base < snapshot->n_other_bytes;
}

/* The same with the other stack as the one that is walked. */
static struct snapshot snapshot_swap(const struct snapshot *snapshot)
{
	return (struct snapshot){
		.base = snapshot->other_base,
		.bytes = snapshot->other_bytes,
		.n_bytes = snapshot->n_other_bytes,
		.is_cut = true,
		.other_base = snapshot->base,
		.other_bytes = snapshot->bytes,
		.n_other_bytes = snapshot->n_bytes,
	};
}

enum step switch_step(struct row_cache *cache, const struct row_entry *entry,
		      const struct snapshot **snapshot,
		      struct snapshot *other, struct regs *regs,
		      bool *out_is_lost)
{
	const struct row copy = entry->row, *row = &copy;
	struct change change = { cache, *snapshot,
				 entry->addr -
					 (taddr)(int64_t)row->extra };
	taddr cfa = regs->r[CPU_SP] + (taddr)(int64_t)row->cfa_offset;
	bool has_fp = regs_is_known(regs, CPU_FP);
	struct snapshot swapped;
	uint64_t pc;

	*out_is_lost = false;
	if (change_returns_at(&change, cfa - 8, &pc))
		return row_step(row, NULL, *snapshot, regs);
	if (has_fp && is_in_other(*snapshot, regs->r[CPU_FP])) {
		swapped = snapshot_swap(*snapshot);
		change.snapshot = &swapped;
	}
	if (has_fp && step_by_fp(&change, row, regs)) {
		if (change.snapshot == &swapped) {
			*other = swapped;
			*snapshot = other;
		}
		return STEP_DONE;
	}
	*out_is_lost = row->flags & (ROW_MAY_END | ROW_LOOKS_PLAIN);
	if (row->flags & ROW_LOOKS_PLAIN)
		return row_step(row, NULL, *snapshot, regs);
	if (row->flags & ROW_MAY_END)
		return STEP_ROOT;
	return step_upwards(&change, regs) ? STEP_DONE : STEP_NO_RULE;
}

bool switch_to_sp(const struct snapshot **snapshot, struct snapshot *other,
		  taddr sp)
{
	if (sp - (*snapshot)->base < (*snapshot)->n_bytes)
		return true;
	if (!is_in_other(*snapshot, sp))
		return false;
	*other = snapshot_swap(*snapshot);
	*snapshot = other;
	return true;
}

/* As snapshot_find_other(); *@out_hops: frames of the chain before. */
static taddr find_exit(const struct snapshot *snapshot, int *out_hops)
{
	taddr sp = snapshot->regs.r[CPU_SP], fp = snapshot->regs.r[CPU_FP];
	int *i = out_hops;

	*i = 0;
	if (!regs_is_known(&snapshot->regs, CPU_FP))
		return 0;
	for (; *i < CHAIN_MAX && fp != 0 && fp % 8 == 0; (*i)++) {
		uint64_t next;

		if (fp < sp ||
		    snapshot_read(snapshot, fp, &next) != STEP_DONE)
			return fp;
		if (next >= sp && next <= fp)
			return 0;
		fp = next;
	}
	return 0;
}

taddr snapshot_find_other(const struct snapshot *snapshot)
{
	int n_hops;

	return find_exit(snapshot, &n_hops);
}

taddr snapshot_other_address(const struct snapshot *snapshot, taddr last)
{
	int n_hops;
	taddr at = find_exit(snapshot, &n_hops);

	if (at == 0 || (n_hops == 0 && last & OTHER_EXACTLY))
		return last & ~(taddr)OTHER_EXACTLY;
	return at;
}
