/* SPDX-License-Identifier: MIT */
/*
 * row.h - how to step out of one frame, in 16 bytes.
 *
 * CFA is the canonical frame address of DWARF 5, 6.4: the value that sp had
 * in the caller before its call. After every step but that of a signal
 * frame, sp = CFA and pc = *(CFA - 8).
 */
#ifndef UNWIND_ROW_H
#define UNWIND_ROW_H

#include <assert.h>

#include "unwind/snapshot.h"

enum row_kind {
	ROW_NONE,   /* nothing is known about this address */
	ROW_PLAIN,  /* CFA = reg + cfa_offset */
	ROW_ROOT,   /* the outermost frame: its return address is undefined */
	ROW_PLT,    /* CFA = reg + cfa_offset + ((pc & 15) >= extra ? 8 : 0) */
	ROW_DEREF,  /* CFA = *(reg + cfa_offset) + extra */
	ROW_SIGNAL, /* all registers lie in a ucontext; gregs at
		     * reg + cfa_offset */
	ROW_SWITCH, /* as ROW_PLAIN, or on another stack than it was called
		     * on; the function begins at pc - extra */
	ROW_GUESS,  /* as ROW_PLAIN, but made from the code alone: what it
		     * gives is to be checked. By fp, or, with an extra, by
		     * CFA = sp + extra */
	ROW_HARD,   /* a rule that none of these can say: ask libunwind */
	ROW_BROKEN, /* a rule that makes no sense: ask nobody */
};

enum reg_rule { /* where the caller's value of a register is */
	RULE_SAME,    /* still in the register */
	RULE_AT_CFA,  /* *(CFA + offset) */
	RULE_AT_FP,   /* *(fp + offset), fp being this frame's */
	RULE_UNKNOWN, /* nowhere */
};

enum row_flags {
	ROW_CALL_CHECKED = 1, /* row_cache_is_return() has looked, ... */
	ROW_IN_CALL = 2,      /* ... and this address is inside of a call */
	ROW_MAY_END = 4,      /* its return address may be nonsense: then the
			       * walk has reached the root */
	ROW_LOOKS_PLAIN = 8,  /* ROW_SWITCH: the stack it is on looks as if
			       * it had been called there */
};

struct row {
	uint8_t kind;	  /* enum row_kind */
	uint8_t cfa_reg;  /* enum cpu_reg */
	uint8_t fp_rule;  /* enum reg_rule, for the frame pointer */
	uint8_t flags;	  /* enum row_flags */
	int32_t cfa_offset, fp_offset, extra;
};
static_assert(sizeof(struct row) == 16, "four rows fill a cache line");

/*
 * Where the other callee-saved registers are: needed only when a frame
 * further out has a CFA that is reckoned from one, so kept apart.
 */
#define N_SAVED_REGS 5

struct row_saves {
	int32_t offset[N_SAVED_REGS];
	uint8_t rule[N_SAVED_REGS]; /* enum reg_rule */
};

/* The register of entry @i in a struct row_saves: rbx, r12 to r15. */
static inline enum cpu_reg saved_reg(size_t i)
{
	return i == 0 ? CPU_RBX : (enum cpu_reg)(CPU_R12 + i - 1);
}

enum step {
	STEP_DONE,
	STEP_ROOT,	/* there is no caller */
	STEP_NO_RULE,	/* this row cannot tell */
	STEP_NO_FP,	/* the frame pointer is needed, and not known */
	STEP_NO_REG,	/* another register is needed, and not known */
	STEP_CUT,	/* needs memory above the snapshot */
	STEP_BAD_STACK, /* needs memory below the snapshot, or sp went back */
};

/* The word at @addr of the stack; STEP_DONE, STEP_CUT or STEP_BAD_STACK. */
static inline enum step snapshot_read(const struct snapshot *snapshot,
				      taddr addr, uint64_t *out)
{
	uint64_t at = addr - snapshot->base;

	/* at + 8 cannot wrap when at < n_bytes. */
	if (__builtin_expect(at >= snapshot->n_bytes ||
			     at + 8 > snapshot->n_bytes, 0))
		return addr < snapshot->base ? STEP_BAD_STACK : STEP_CUT;
	__builtin_memcpy(out, snapshot->bytes + at, sizeof(*out));
	return STEP_DONE;
}

/*
 * Make @regs those of the caller. @saves may be NULL: the registers in it
 * are then unknown afterwards. @regs is only good after STEP_DONE.
 */
enum step row_step(const struct row *row, const struct row_saves *saves,
		   const struct snapshot *snapshot, struct regs *regs);

#endif
