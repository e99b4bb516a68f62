/* SPDX-License-Identifier: MIT */
/* row.c - take one step by a row. */
#include "unwind/row.h"

/*
 * Registers in the order of gregs[] of a ucontext on x86-64
 * (sys/ucontext.h: REG_R8 is 0, REG_RIP is 16).
 */
static const uint8_t greg_order[N_REGS] = {
	CPU_R8,	 CPU_R9,  CPU_R10, CPU_R11, CPU_R12, CPU_R13,
	CPU_R14, CPU_R15, CPU_RDI, CPU_RSI, CPU_FP,  CPU_RBX,
	CPU_RDX, CPU_RAX, CPU_RCX, CPU_SP,  CPU_PC,
};

static enum step missing_reg(enum cpu_reg reg)
{
	return reg == CPU_FP ? STEP_NO_FP : STEP_NO_REG;
}

/* Where the value of a register by @rule lies; false: not in memory. */
static bool rule_address(enum reg_rule rule, int32_t offset, taddr cfa,
			 taddr fp, taddr *out)
{
	switch (rule) {
	case RULE_AT_CFA:
		*out = cfa + (taddr)(int64_t)offset;
		return true;
	case RULE_AT_FP:
		*out = fp + (taddr)(int64_t)offset;
		return true;
	case RULE_SAME:
	case RULE_UNKNOWN:
		return false;
	}
	return false;
}

/* Give @reg in @regs the caller's value; @fp is this frame's. */
static enum step reg_restore(const struct snapshot *snapshot,
			     struct regs *regs, enum cpu_reg reg,
			     enum reg_rule rule, taddr addr)
{
	uint64_t value;
	enum step step;

	if (rule == RULE_SAME)
		return STEP_DONE;
	if (rule == RULE_UNKNOWN) {
		regs->known &= ~(1u << reg);
		return STEP_DONE;
	}
	step = snapshot_read(snapshot, addr, &value);
	if (step == STEP_DONE)
		regs_set(regs, reg, value);
	return step;
}

static enum step restore_saved(const struct row_saves *saves,
			       const struct snapshot *snapshot,
			       struct regs *regs, taddr cfa, bool has_fp)
{
	for (size_t i = 0; i < N_SAVED_REGS; i++) {
		enum reg_rule rule = saves->rule[i];
		enum step step;
		taddr addr = 0;

		if (rule == RULE_AT_FP && !has_fp)
			rule = RULE_UNKNOWN;
		rule_address(rule, saves->offset[i], cfa, regs->r[CPU_FP],
			     &addr);
		step = reg_restore(snapshot, regs, saved_reg(i), rule, addr);
		if (step != STEP_DONE)
			return step;
	}
	return STEP_DONE;
}

/* The registers that a call may change are lost on the way out of it. */
static void forget_scratch(struct regs *regs, bool keep_saved)
{
	uint32_t keep = 1u << CPU_FP | 1u << CPU_SP | 1u << CPU_PC;

	for (size_t i = 0; keep_saved && i < N_SAVED_REGS; i++)
		keep |= 1u << saved_reg(i);
	regs->known &= keep;
}

static enum step step_to_cfa(const struct row *row,
			     const struct row_saves *saves,
			     const struct snapshot *snapshot,
			     struct regs *regs, taddr cfa)
{
	bool has_fp = regs_is_known(regs, CPU_FP);
	enum step step;
	uint64_t pc;
	taddr addr = 0;

	if (cfa <= regs->r[CPU_SP])
		return STEP_BAD_STACK;
	step = snapshot_read(snapshot, cfa - 8, &pc);
	if (step != STEP_DONE)
		return step;
	if (saves)
		step = restore_saved(saves, snapshot, regs, cfa, has_fp);
	if (step != STEP_DONE)
		return step;
	if (row->fp_rule == RULE_AT_FP && !has_fp)
		return STEP_NO_FP;
	rule_address(row->fp_rule, row->fp_offset, cfa, regs->r[CPU_FP],
		     &addr);
	step = reg_restore(snapshot, regs, CPU_FP, row->fp_rule, addr);
	if (step != STEP_DONE)
		return step;
	forget_scratch(regs, saves != NULL);
	regs_set(regs, CPU_SP, cfa);
	regs_set(regs, CPU_PC, pc);
	return STEP_DONE;
}

static enum step step_signal(const struct snapshot *snapshot,
			     struct regs *regs, taddr gregs)
{
	struct regs before = { .known = 0 };

	for (size_t i = 0; i < N_REGS; i++) {
		uint64_t value;
		enum step step =
			snapshot_read(snapshot, gregs + 8 * i, &value);

		if (step != STEP_DONE)
			return step;
		regs_set(&before, greg_order[i], value);
	}
	*regs = before;
	return STEP_DONE;
}

enum step row_step(const struct row *row, const struct row_saves *saves,
		   const struct snapshot *snapshot, struct regs *regs)
{
	enum cpu_reg reg = row->cfa_reg;
	enum step step;
	taddr cfa;

	if (row->kind == ROW_ROOT)
		return STEP_ROOT;
	if (row->kind == ROW_NONE || row->kind >= ROW_HARD)
		return STEP_NO_RULE;
	if (!regs_is_known(regs, reg))
		return missing_reg(reg);
	cfa = regs->r[reg] + (taddr)(int64_t)row->cfa_offset;
	switch ((enum row_kind)row->kind) {
	case ROW_SIGNAL:
		return step_signal(snapshot, regs, cfa);
	case ROW_PLT:
		if ((int32_t)(regs->r[CPU_PC] & 15) >= row->extra)
			cfa += 8;
		break;
	case ROW_DEREF:
		step = snapshot_read(snapshot, cfa, &cfa);
		if (step != STEP_DONE)
			return step;
		cfa += (taddr)(int64_t)row->extra;
		break;
	case ROW_PLAIN:
	case ROW_SWITCH:
	case ROW_GUESS:
	case ROW_NONE:
	case ROW_ROOT:
	case ROW_HARD:
	case ROW_BROKEN:
		break;
	}
	return step_to_cfa(row, saves, snapshot, regs, cfa);
}
