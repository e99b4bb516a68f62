/* SPDX-License-Identifier: MIT */
/*
 * prologue.c - rows for functions without unwind information, from what
 * their instructions do to sp.
 *
 * One pass over the code in the order of addresses, with the distance from
 * sp to the CFA. A jump forward leaves its distance at its target; behind a
 * jump or a return the code has what was left there, or else, as the target
 * of a jump backwards or of a table, what the body of the function had
 * before its last epilogue. Calls are taken to be balanced.
 */
#include "unwind/prologue.h"

#include "image/decode.h"
#include "util/map.h"
#include "util/mem.h"

#define WINDOW_BYTES (64 * 1024u)
#define DEPTH_MAX (64 << 20)
#define FUNCTION_ALIGNMENT 16
#define TRAP 0xcc /* int3 */
/* Numbers in instructions, which are not those of DWARF. */
#define X86_RBX 3
#define X86_RSP 4
#define X86_RBP 5

struct frame_state {
	int32_t depth; /* CFA = sp + depth, if has_sp */
	int32_t fp_depth; /* CFA = fp + fp_depth, if has_fp */
	int32_t fp_saved; /* at CFA - fp_saved, or 0 */
	int32_t saved[N_SAVED_REGS];
	bool has_sp, has_fp;
	bool lost_fp; /* zeroed, and not saved: nothing called this */
};

static const struct frame_state at_entry = { .depth = 8, .has_sp = true };

enum before { /* what stands in front of an instruction */
	BEFORE_OTHER,
	BEFORE_END,	/* a return, or a jump out of the function */
	BEFORE_JUMP,	/* a jump within it */
	BEFORE_CALL,
	BEFORE_PADDING, /* a call, and nops */
};

struct scan {
	uint64_t start; /* vaddr of code[0] */
	const uint8_t *code;
	size_t n;
	bool is_complete;  /* no other function begins in it */
	uint8_t *targets;  /* bit i: something jumps to code[i] */
	struct map noted;  /* offset of a target -> index into states */
	struct vec states; /* struct frame_state */
	struct frame_state now;
	/* What the body had at its last condition or epilogue. */
	struct frame_state body, before_epilogue;
	bool has_body, in_epilogue, has_table;
	bool is_assumed; /* now is a guess, until a jump's state is met */
	enum before before; /* the next one */
};

static int saved_index(unsigned int reg)
{
	if (reg == X86_RBX)
		return 0;
	return reg >= 12 && reg <= 15 ? (int)reg - 11 : -1;
}

static void grow(struct scan *scan, int64_t bytes)
{
	struct frame_state *now = &scan->now;

	if (bytes < 0 && !scan->in_epilogue) {
		scan->in_epilogue = true;
		scan->before_epilogue = *now;
	}
	if (bytes > 0)
		scan->in_epilogue = false;
	if (bytes > DEPTH_MAX || bytes < -DEPTH_MAX ||
	    now->depth > DEPTH_MAX || now->depth < -DEPTH_MAX)
		now->has_sp = false;
	else
		now->depth += (int32_t)bytes;
}

static void push_reg(struct scan *scan, unsigned int reg)
{
	struct frame_state *now = &scan->now;
	int i = saved_index(reg);

	grow(scan, 8);
	if (!now->has_sp)
		return;
	if (reg == X86_RBP && !now->fp_saved && !now->has_fp)
		now->fp_saved = now->depth;
	if (i >= 0 && !now->saved[i])
		now->saved[i] = now->depth;
}

static void pop_reg(struct scan *scan, unsigned int reg)
{
	struct frame_state *now = &scan->now;
	int i = saved_index(reg);
	int32_t depth = now->depth;

	grow(scan, -8);
	if (reg == X86_RSP)
		now->has_sp = false;
	if (reg == X86_RBP) {
		now->has_fp = false;
		if (now->has_sp && now->fp_saved == depth)
			now->fp_saved = 0;
	}
	if (i >= 0 && now->has_sp && now->saved[i] == depth)
		now->saved[i] = 0;
}

/* sp = fp + disp, as leave and lea have it. */
static void sp_from_fp(struct scan *scan, int32_t disp)
{
	struct frame_state *now = &scan->now;

	if (!scan->in_epilogue) {
		scan->in_epilogue = true;
		scan->before_epilogue = *now;
	}
	now->has_sp = now->has_fp;
	now->depth = now->fp_depth - disp;
}

static void fp_from_sp(struct scan *scan, int32_t disp)
{
	scan->now.has_fp = scan->now.has_sp;
	scan->now.fp_depth = scan->now.depth - disp;
}

/* add, sub, and: groups 80 to 83 on sp itself. */
static void step_group(struct scan *scan, const struct insn *insn)
{
	if (insn->mod != 3 || insn->rm != X86_RSP)
		return;
	if (insn->reg == 0)
		grow(scan, -insn->imm);
	else if (insn->reg == 5)
		grow(scan, insn->imm);
	else if (insn->reg == 4)
		scan->now.has_sp = false;
}

static void step_mov(struct scan *scan, unsigned int to, unsigned int from)
{
	if (to == X86_RSP && from == X86_RBP)
		sp_from_fp(scan, 0);
	else if (to == X86_RBP && from == X86_RSP)
		fp_from_sp(scan, 0);
	else if (to == X86_RSP)
		scan->now.has_sp = false;
	else if (to == X86_RBP)
		scan->now.has_fp = false;
}

static void step_lea(struct scan *scan, const struct insn *insn)
{
	bool is_plain = insn->mod != 0 && insn->mod != 3 && !insn->has_index;

	if (insn->reg == X86_RSP && is_plain && insn->base == X86_RSP)
		grow(scan, -(int64_t)insn->disp);
	else if (insn->reg == X86_RSP && is_plain && insn->base == X86_RBP)
		sp_from_fp(scan, insn->disp);
	else if (insn->reg == X86_RSP)
		scan->now.has_sp = false;
	else if (insn->reg == X86_RBP && is_plain && insn->base == X86_RSP)
		fp_from_sp(scan, insn->disp);
	else if (insn->reg == X86_RBP)
		scan->now.has_fp = false;
}

/* Other arithmetic that has sp or fp as its result. */
static void step_arithmetic(struct scan *scan, const struct insn *insn)
{
	bool to_rm = !(insn->opcode & 2);
	unsigned int to = to_rm ? insn->rm : insn->reg;
	bool is_zero = (insn->opcode & 0xf8) == 0x30 && insn->mod == 3 &&
		       insn->rm == insn->reg;

	/* cmp writes nothing; so does what goes to memory. */
	if ((insn->opcode & 0x38) == 0x38 || (to_rm && insn->mod != 3))
		return;
	if (to == X86_RSP)
		scan->now.has_sp = false;
	if (to != X86_RBP)
		return;
	scan->now.has_fp = false;
	if (is_zero && !scan->now.fp_saved)
		scan->now.lost_fp = true;
}

static void step_insn(struct scan *scan, const struct insn *insn)
{
	uint8_t op = insn->opcode;
	unsigned int low = (op & 7) | (insn->rex & 1) << 3;

	if (insn->map != MAP_ONE)
		return;
	if ((op & 0xf8) == 0x50)
		push_reg(scan, low);
	else if ((op & 0xf8) == 0x58)
		pop_reg(scan, low);
	else if (op == 0x68 || op == 0x6a || op == 0x9c ||
		 (op == 0xff && (insn->reg & 7) == 6))
		grow(scan, 8);
	else if (op == 0x8f || op == 0x9d)
		grow(scan, -8);
	else if (op == 0x81 || op == 0x83)
		step_group(scan, insn);
	else if (op == 0x89 && insn->mod == 3)
		step_mov(scan, insn->rm, insn->reg);
	else if (op == 0x8b && insn->mod == 3)
		step_mov(scan, insn->reg, insn->rm);
	else if (op == 0x8b)
		step_mov(scan, insn->reg, 0);
	else if (op == 0x8d)
		step_lea(scan, insn);
	else if (op < 0x40 && insn->has_modrm && (op & 1))
		step_arithmetic(scan, insn);
	else if (op == 0xc9) {
		sp_from_fp(scan, 0);
		pop_reg(scan, X86_RBP);
	}
}

static bool is_conditional(const struct insn *insn)
{
	if (insn->map == MAP_0F)
		return (insn->opcode & 0xf0) == 0x80;
	return insn->map == MAP_ONE && ((insn->opcode & 0xf0) == 0x70 ||
					(insn->opcode & 0xfc) == 0xe0);
}

static bool is_jump(const struct insn *insn)
{
	return insn->map == MAP_ONE &&
	       (insn->opcode == 0xe9 || insn->opcode == 0xeb);
}

static bool is_table_jump(const struct insn *insn)
{
	return insn->map == MAP_ONE && insn->opcode == 0xff &&
	       (insn->reg & 7) == 4;
}

static bool is_call(const struct insn *insn)
{
	return insn->map == MAP_ONE &&
	       (insn->opcode == 0xe8 ||
		(insn->opcode == 0xff && (insn->reg & 7) == 2));
}

/* Nothing goes from here to the next instruction. */
static bool is_end(const struct insn *insn)
{
	if (insn->map == MAP_0F)
		return insn->opcode == 0x0b; /* ud2 */
	if (insn->map != MAP_ONE)
		return false;
	return insn->opcode == 0xc3 || insn->opcode == 0xc2 ||
	       insn->opcode == 0xcc ||
	       is_jump(insn) || is_table_jump(insn);
}

static bool jump_target(const struct scan *scan, const struct insn *insn,
			size_t next, size_t *out)
{
	int64_t target;

	/* Only then is the immediate a distance, of four bytes at most. */
	if (!is_jump(insn) && !is_conditional(insn))
		return false;
	target = (int64_t)next + insn->imm;
	*out = (size_t)target;
	return target >= 0 && target < (int64_t)scan->n;
}

static void mark_targets(struct scan *scan)
{
	size_t at = 0, target;
	struct insn insn;

	while (insn_decode(scan->code + at, scan->n - at, &insn)) {
		at += insn.length;
		if (jump_target(scan, &insn, at, &target))
			scan->targets[target / 8] |=
				(uint8_t)(1 << target % 8);
	}
}

static const struct frame_state *state_at(const struct scan *scan, size_t at)
{
	uint32_t i = map_get(&scan->noted, at);

	return i == NO_ID ? NULL : vec_at(&scan->states, i);
}

static void note_state(struct scan *scan, size_t at)
{
	if (state_at(scan, at))
		return;
	map_put(&scan->noted, at, (uint32_t)scan->states.n);
	*(struct frame_state *)vec_push(&scan->states) = scan->now;
}

static bool is_nop(const struct insn *insn)
{
	return (insn->map == MAP_ONE && insn->opcode == 0x90) ||
	       (insn->map == MAP_0F && insn->opcode == 0x1f);
}

static void begin_function(struct scan *scan)
{
	scan->now = at_entry;
	scan->has_body = scan->in_epilogue = scan->is_assumed = false;
	scan->has_table = false;
	scan->before = BEFORE_OTHER;
}

/*
 * What the target of a jump backwards, or of a table, has: behind a jump
 * within the function (the body of a loop whose condition stands below it)
 * what was there, behind a return what was before the epilogue.
 */
static void assume_body(struct scan *scan)
{
	bool is_loop = scan->before == BEFORE_JUMP && !scan->in_epilogue;

	if (!is_loop && scan->has_body)
		scan->now = scan->body;
	else if (scan->in_epilogue)
		scan->now = scan->before_epilogue;
	scan->is_assumed = true;
}

/*
 * Compilers align functions, put traps in front of them, or have them begin
 * with push %rbp; mov %rsp, %rbp. Inside of one, none of it is likely.
 */
static bool is_function_start(const struct scan *scan, size_t at)
{
	static const uint8_t frame[] = { 0x55, 0x48, 0x89, 0xe5 };

	if (scan->is_complete || (scan->start + at) % FUNCTION_ALIGNMENT)
		return false;
	return (at > 0 && scan->code[at - 1] == TRAP) ||
	       (scan->n - at >= sizeof(frame) &&
		!memcmp(scan->code + at, frame, sizeof(frame)));
}

/* The state at @at, where no instruction goes on to @insn. */
static void resume_at(struct scan *scan, const struct insn *insn, size_t at)
{
	const struct frame_state *noted = state_at(scan, at);
	bool is_target = scan->targets[at / 8] >> at % 8 & 1;

	scan->is_assumed = false;
	if (noted) {
		scan->now = *noted;
	} else if (is_nop(insn)) {
		return;
	} else if (is_target || scan->has_table || scan->is_complete) {
		assume_body(scan);
	} else {
		begin_function(scan);
	}
	scan->in_epilogue = false;
	scan->before = BEFORE_OTHER;
}

/*
 * Behind a call that may not return: a jump to here knows better, and what
 * begins behind padding, where nothing jumps to, is another function.
 */
static void resume_behind_call(struct scan *scan, const struct insn *insn,
			       size_t at)
{
	const struct frame_state *noted = state_at(scan, at);
	bool is_target = scan->targets[at / 8] >> at % 8 & 1;

	if (is_nop(insn)) {
		scan->before = BEFORE_PADDING;
		return;
	}
	if (noted)
		scan->now = *noted;
	else if (scan->before == BEFORE_PADDING && !is_target &&
		 !scan->is_complete &&
		 (scan->start + at) % FUNCTION_ALIGNMENT == 0)
		begin_function(scan);
	scan->before = BEFORE_OTHER;
}

/* Be in the state that holds for @insn, which is at @at. */
static void scan_arrive(struct scan *scan, const struct insn *insn, size_t at)
{
	const struct frame_state *noted = state_at(scan, at);
	bool is_target = scan->targets[at / 8] >> at % 8 & 1;

	/* Also behind a call that does not return, without any padding. */
	if (!noted && !is_target && is_function_start(scan, at)) {
		begin_function(scan);
		return;
	}
	switch (scan->before) {
	case BEFORE_END:
	case BEFORE_JUMP:
		resume_at(scan, insn, at);
		break;
	case BEFORE_CALL:
	case BEFORE_PADDING:
		resume_behind_call(scan, insn, at);
		break;
	case BEFORE_OTHER:
		if (noted && scan->is_assumed)
			scan->now = *noted;
		break;
	}
}

/* Follow @insn, behind which is @next. */
static void scan_insn(struct scan *scan, const struct insn *insn, size_t next)
{
	size_t target;

	if (jump_target(scan, insn, next, &target) && target >= next)
		note_state(scan, target);
	if (is_conditional(insn)) {
		scan->body = scan->now;
		scan->has_body = true;
	}
	scan->has_table |= is_table_jump(insn);
	if (is_end(insn))
		scan->before = is_jump(insn) &&
			       jump_target(scan, insn, next, &target) ?
				       BEFORE_JUMP : BEFORE_END;
	else if (is_call(insn))
		scan->before = BEFORE_CALL;
	else
		step_insn(scan, insn);
}

/* Run up to the instruction that holds @at. */
static bool scan_to(struct scan *scan, size_t at)
{
	struct insn insn;
	size_t next = 0;

	scan->now = at_entry;
	while (insn_decode(scan->code + next, scan->n - next, &insn)) {
		scan_arrive(scan, &insn, next);
		if (at < next + insn.length)
			return scan->before == BEFORE_OTHER;
		next += insn.length;
		if (next >= scan->n)
			break;
		scan_insn(scan, &insn, next);
	}
	return false;
}

static void state_to_row(const struct frame_state *state, struct row *row,
			 struct row_saves *saves)
{
	if (state->lost_fp) {
		row->kind = ROW_ROOT;
		return;
	}
	if (!(state->has_sp && state->depth >= 8) && !state->has_fp)
		return;
	row->kind = ROW_GUESS;
	row->cfa_reg = state->has_fp ? CPU_FP : CPU_SP;
	row->cfa_offset = state->has_fp ? state->fp_depth : state->depth;
	if (state->has_fp && state->has_sp && state->depth >= 8)
		row->extra = state->depth;
	row->fp_rule = state->fp_saved ? RULE_AT_CFA : RULE_SAME;
	row->fp_offset = -state->fp_saved;
	for (size_t i = 0; i < N_SAVED_REGS; i++) {
		saves->rule[i] = state->saved[i] ? RULE_AT_CFA : RULE_SAME;
		saves->offset[i] = -state->saved[i];
	}
}

void prologue_find_row(struct functions *functions,
		       const struct module *module, uint64_t vaddr,
		       struct row *out, struct row_saves *out_saves)
{
	CLEANUP(free) uint8_t *code = NULL, *targets = NULL;
	struct scan scan = { .states = VEC_OF(struct frame_state) };
	uint64_t end;
	ssize_t n;

	*out = (struct row){ .kind = ROW_NONE };
	if (!functions_find(functions, module, vaddr, &scan.start, &end) ||
	    vaddr - scan.start >= WINDOW_BYTES)
		return;
	if (end - scan.start > WINDOW_BYTES)
		end = scan.start + WINDOW_BYTES;
	code = xmalloc(end - scan.start);
	n = module_read(module, scan.start, code, end - scan.start);
	if (n <= 0)
		return;
	scan.code = code;
	scan.n = (size_t)n;
	scan.is_complete = functions->is_complete;
	targets = xcalloc(scan.n / 8 + 1, 1);
	scan.targets = targets;
	mark_targets(&scan);
	if (scan_to(&scan, vaddr - scan.start))
		state_to_row(&scan.now, out, out_saves);
	map_clear(&scan.noted);
	vec_clear(&scan.states);
}

bool epilogue_find_row(const uint8_t *code, size_t n, struct row *out)
{
	struct scan scan = { .now = { .has_sp = true } };
	int32_t fp_at = -1;
	struct insn insn;

	for (size_t at = 0; insn_decode(code + at, n - at, &insn);
	     at += insn.length) {
		int32_t depth = scan.now.depth;

		if (insn.map != MAP_ONE)
			return false;
		if (insn.opcode == 0xc3) {
			*out = (struct row){ .kind = ROW_GUESS,
					     .cfa_reg = CPU_SP,
					     .cfa_offset = 8 - depth };
			if (fp_at >= 0) {
				out->fp_rule = RULE_AT_CFA;
				out->fp_offset = fp_at - out->cfa_offset;
			}
			return depth <= 0;
		}
		if ((insn.opcode & 0xf8) == 0x58 &&
		    insn.opcode == 0x58 + X86_RBP && !(insn.rex & 1))
			fp_at = -depth;
		step_insn(&scan, &insn);
		if (!scan.now.has_sp || scan.now.depth >= depth)
			return false;
	}
	return false;
}
