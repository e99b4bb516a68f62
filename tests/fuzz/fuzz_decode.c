/* SPDX-License-Identifier: MIT */
/*
 * fuzz_decode.c - any bytes as code: how long its instructions are, and its
 * beginning made a gate.
 */
#include "fuzz.h"
#include "heap/gate.h"
#include "image/decode.h"
#include "util/mem.h"

#define FUNCTION_AT UINT64_C(0x401000)

/* Which is all there is of an instruction, and no more than it is needed. */
static void check_insn(const uint8_t *code, size_t n, const struct insn *insn)
{
	CLEANUP(free) uint8_t *own = NULL;
	struct insn same;

	if (!insn->length || insn->length > INSN_BYTES_MAX ||
	    insn->length > n)
		abort();
	if (insn->disp_at && insn->disp_at + 4 > insn->length)
		abort();
	own = xmalloc(insn->length); /* reading behind its end is seen */
	memcpy(own, code, insn->length);
	if (!insn_decode(own, insn->length, &same) ||
	    same.length != insn->length)
		abort();
	if (insn_decode(own, insn->length - 1u, &same))
		abort();
}

static void run_decode(const uint8_t *code, size_t n)
{
	struct insn insn;

	for (size_t at = 0; at < n; at += insn.length) {
		if (!insn_decode(code + at, n - at, &insn))
			return;
		check_insn(code + at, n - at, &insn);
	}
}

static uint64_t same_target(void *ctx, uint64_t target)
{
	(void)ctx;
	return target;
}

/* A gate is whole instructions, and so is what the jump covers. */
static void check_gate(const struct gate *gate)
{
	struct insn insn;

	if (!gate->n || gate->n > sizeof(gate->code) ||
	    gate->n_starts > ARRAY_SIZE(gate->starts))
		abort();
	for (size_t i = 0; i < gate->n_starts; i++)
		if (gate->starts[i] >= GATE_JUMP_BYTES ||
		    gate->starts[i] <= (i ? gate->starts[i - 1] : 0))
			abort();
	for (size_t at = 0; at < gate->n; at += insn.length)
		if (!insn_decode(gate->code + at, gate->n - at, &insn))
			abort();
}

static void run_gate(const uint8_t *code, size_t n, uint64_t at)
{
	struct gate_function function = { .code = code, .addr = FUNCTION_AT,
					  .n_padded = n };
	struct gate gate;

	for (function.n = 0; function.n <= n; function.n += 3)
		if (!gate_make(&gate, &function, at, same_target, NULL))
			check_gate(&gate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run_decode(data, size);
	if (size > 48)
		size = 48;
	run_gate(data, size, FUNCTION_AT - 0x100000);
	run_gate(data, size, FUNCTION_AT + (UINT64_C(3) << 30));
	return 0;
}
