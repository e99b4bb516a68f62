/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the first instructions of a function, made to run elsewhere.
 *
 * Three things depend on where an instruction is: jumps, operands relative to
 * rip, and calls (Intel SDM, volume 2, 2.2.1.6 and the opcodes). Jumps and
 * operands get new distances. A call would leave a return address in the gate
 * on the stack, where no unwinder knows its way: it is refused.
 */
#include "heap/gate.h"

#include <string.h>

#include "image/decode.h"
#include "util/mem.h"

#define OPCODE_JUMP 0xe9

struct mover {
	const struct gate_function *function;
	struct gate *gate;
	uint64_t at;
	gate_target_fn target;
	void *ctx;
	bool has_ended; /* nothing runs on to the next instruction */
};

bool gate_distance(uint64_t from, uint64_t to, uint8_t out[4])
{
	int64_t distance = (int64_t)(to - from);
	int32_t narrow = (int32_t)distance;

	memcpy(out, &narrow, sizeof(narrow));
	return narrow == distance;
}

static bool put(struct mover *mover, const uint8_t *bytes, size_t n)
{
	struct gate *gate = mover->gate;

	if (n > sizeof(gate->code) - gate->n)
		return false;
	memcpy(gate->code + gate->n, bytes, n);
	gate->n += n;
	return true;
}

/* A jump with @n bytes of opcode to @to. */
static const char *put_jump(struct mover *mover, const uint8_t *opcode,
			    size_t n, uint64_t to)
{
	uint64_t from = mover->at + mover->gate->n + n + 4;
	uint8_t distance[4];

	if (!gate_distance(from, to, distance))
		return "jumps too far";
	return put(mover, opcode, n) && put(mover, distance, sizeof(distance))
		       ? NULL : "begins with too many jumps";
}

static const char *move_jump(struct mover *mover, const struct insn *insn,
			     uint64_t end)
{
	uint64_t addr = mover->function->addr;
	uint64_t to = end + (uint64_t)insn->imm;
	uint8_t opcode[2] = { 0x0f, insn->opcode };

	if (insn->has_operand_prefix)
		return "begins with a jump of 16 bits";
	if (to - addr - 1 < GATE_JUMP_BYTES - 1)
		return "jumps back to its first instructions";
	to = mover->target(mover->ctx, to);
	if (insn->map == MAP_ONE && insn->opcode >= 0x70 &&
	    insn->opcode <= 0x7f)
		opcode[1] = (uint8_t)(insn->opcode + 0x10);
	else if (insn->map == MAP_ONE) {
		opcode[1] = OPCODE_JUMP;
		mover->has_ended = true;
		return put_jump(mover, opcode + 1, 1, to);
	}
	return put_jump(mover, opcode, 2, to);
}

static bool is_jump(const struct insn *insn)
{
	if (insn->map == MAP_0F)
		return insn->opcode >= 0x80 && insn->opcode <= 0x8f;
	return insn->map == MAP_ONE &&
	       ((insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
		insn->opcode == OPCODE_JUMP || insn->opcode == 0xeb);
}

/* Those that cannot be moved, or are not what a function begins with. */
static const char *find_fault(const struct insn *insn)
{
	bool is_group_5 = insn->opcode == 0xff && insn->has_modrm;
	unsigned int reg = insn->reg & 7u;

	if (insn->map != MAP_ONE)
		return NULL;
	if (insn->opcode == 0xe8 || (is_group_5 && (reg == 2 || reg == 3)))
		return "calls another function at once";
	if (insn->opcode >= 0xe0 && insn->opcode <= 0xe3)
		return "begins with a loop";
	if ((insn->opcode == 0xc7 || insn->opcode == 0xc6) && reg == 7)
		return "begins a transaction";
	if (insn->opcode == 0xcc || insn->opcode == 0xf4)
		return "begins with a trap";
	return NULL;
}

static bool ends_path(const struct insn *insn)
{
	if (insn->map != MAP_ONE)
		return false;
	return insn->opcode == 0xc2 || insn->opcode == 0xc3 ||
	       (insn->opcode == 0xff && (insn->reg & 7) == 4);
}

/* An operand relative to rip: it is as far from the gate as from there. */
static const char *move_operand(struct mover *mover, const struct insn *insn,
				const uint8_t *code, uint64_t end)
{
	uint8_t copy[INSN_BYTES_MAX], distance[4];
	uint64_t to = end + (uint64_t)(int64_t)insn->disp;
	uint64_t from = mover->at + mover->gate->n + insn->length;

	if (!insn->disp_at || !gate_distance(from, to, distance))
		return "uses data that are too far away";
	memcpy(copy, code, insn->length);
	memcpy(copy + insn->disp_at, distance, sizeof(distance));
	return put(mover, copy, insn->length) ? NULL : "is too long";
}

static const char *move_insn(struct mover *mover, size_t at,
			     const struct insn *insn)
{
	const struct gate_function *function = mover->function;
	uint64_t end = function->addr + at + insn->length;
	const char *fault = find_fault(insn);

	if (fault)
		return fault;
	if (is_jump(insn))
		return move_jump(mover, insn, end);
	mover->has_ended = ends_path(insn);
	if (insn->has_modrm && insn->mod == 0 && (insn->rm & 7) == 5)
		return move_operand(mover, insn, function->code + at, end);
	return put(mover, function->code + at, insn->length) ? NULL
							     : "is too long";
}

/* What linkers and assemblers fill the room between functions with. */
static bool is_filler(const struct gate_function *function, size_t at)
{
	struct insn insn;

	for (; at < GATE_JUMP_BYTES; at += insn.length) {
		if (at >= function->n_padded ||
		    !insn_decode(function->code + at,
				 function->n_padded - at, &insn))
			return false;
		if (!(insn.map == MAP_ONE && (insn.opcode == 0x90 ||
					      insn.opcode == 0xcc)) &&
		    !(insn.map == MAP_0F && insn.opcode == 0x1f))
			return false;
	}
	return true;
}

const char *gate_make(struct gate *gate, const struct gate_function *function,
		      uint64_t at, gate_target_fn target, void *ctx)
{
	static const uint8_t jump = OPCODE_JUMP;
	struct mover mover = { function, gate, at, target, ctx, false };
	const char *fault = NULL;
	size_t i = 0;

	*gate = (struct gate){ .n = 0 };
	while (i < GATE_JUMP_BYTES && !mover.has_ended && !fault) {
		struct insn insn;

		if (i >= function->n ||
		    !insn_decode(function->code + i, function->n - i, &insn))
			return "is not understood";
		if (i)
			gate->starts[gate->n_starts++] = (uint8_t)i;
		fault = move_insn(&mover, i, &insn);
		i += insn.length;
	}
	if (fault)
		return fault;
	if (!mover.has_ended)
		return put_jump(&mover, &jump, 1, function->addr + i);
	if (i < GATE_JUMP_BYTES &&
	    (i < function->n || !is_filler(function, i)))
		return "is too short";
	return NULL;
}
