/* SPDX-License-Identifier: MIT */
/* reach.c - the ways on which functions of an allocator call each other. */
#include "heap/reach.h"

#include <elf.h>

#include "image/decode.h"
#include "util/mem.h"

#define FUNCTION_BYTES_MAX (UINT64_C(1) << 17)
#define FUNCTIONS_MAX 4096
#define BYTES_MAX (UINT64_C(8) << 20) /* of all functions */
#define WAYS_MAX 10000 /* are written while all threads stand */
#define NEAR_BYTES (UINT64_C(32) << 10)

static const char too_many[] = "leads to too many others";

enum branch {
	BRANCH_NONE,
	BRANCH_SHORT, /* a distance of one byte */
	BRANCH_LONG,  /* of four, the last ones of the instruction */
	BRANCH_INDIRECT_CALL,
};

struct function { /* that is being read */
	uint64_t start, end;
	uint8_t *code;
};

void reach_init(struct reach *reach, const struct module *module,
		const struct elf_symbols *symbols, uint64_t jump_bytes)
{
	*reach = (struct reach){
		.module = module,
		.symbols = symbols,
		.jump_bytes = jump_bytes,
		.pending = VEC_OF(uint64_t),
		.ways = VEC_OF(struct reach_way),
	};
}

void reach_clear(struct reach *reach)
{
	map_clear(&reach->roots);
	map_clear(&reach->seen);
	vec_clear(&reach->pending);
	vec_clear(&reach->ways);
}

void reach_add_root(struct reach *reach, uint64_t vaddr, uint32_t number)
{
	if (!reach->roots.n || vaddr < reach->lowest)
		reach->lowest = vaddr;
	if (!reach->roots.n || vaddr > reach->highest)
		reach->highest = vaddr;
	map_put(&reach->roots, vaddr, number);
}

uint32_t reach_root(const struct reach *reach, uint64_t vaddr)
{
	return map_get(&reach->roots, vaddr);
}

static bool is_root(const struct reach *reach, uint64_t vaddr)
{
	return reach_root(reach, vaddr) != NO_ID;
}

static enum branch classify(const struct insn *insn, bool *out_is_call)
{
	uint8_t opcode = insn->opcode;

	*out_is_call = insn->map == MAP_ONE && opcode == 0xe8;
	if (insn->map == MAP_0F)
		return opcode >= 0x80 && opcode <= 0x8f ? BRANCH_LONG
							: BRANCH_NONE;
	if (insn->map != MAP_ONE)
		return BRANCH_NONE;
	if (opcode == 0xe8 || opcode == 0xe9)
		return BRANCH_LONG;
	if (opcode == 0xeb || (opcode >= 0x70 && opcode <= 0x7f) ||
	    (opcode >= 0xe0 && opcode <= 0xe3))
		return BRANCH_SHORT;
	if (opcode == 0xff && (insn->reg & 7) == 2)
		return BRANCH_INDIRECT_CALL;
	return BRANCH_NONE;
}

/*
 * The allocator's own: no other file can name it, and it is not far away. In
 * a static-pie most names are local, also of what calls malloc as others do.
 * @symbol is the first of its place: the least local.
 */
static bool is_own(const struct reach *reach, const struct elf_symbol *symbol)
{
	return symbol->bind == STB_LOCAL && symbol->type == STT_FUNC &&
	       symbol->vaddr + NEAR_BYTES > reach->lowest &&
	       symbol->vaddr < reach->highest + NEAR_BYTES;
}

static void follow(struct reach *reach, uint64_t target)
{
	const struct elf_symbol *symbol;
	size_t n;

	reach->n_calls++;
	symbol = elf_symbols_find(reach->symbols, target, &n);
	if (!symbol || target >= elf_symbols_end(reach->symbols, symbol))
		return;
	if (!is_own(reach, symbol) ||
	    map_get(&reach->seen, symbol->vaddr) != NO_ID)
		return;
	map_put(&reach->seen, symbol->vaddr, 0);
	*(uint64_t *)vec_push(&reach->pending) = symbol->vaddr;
}

static const char *take_branch(struct reach *reach,
			       const struct function *function,
			       const struct insn *insn, uint64_t at,
			       enum branch branch)
{
	uint64_t end = at + insn->length, target = end + (uint64_t)insn->imm;
	bool is_of_root = is_root(reach, function->start);
	struct reach_way *way;

	if (is_of_root && target > function->start &&
	    target - function->start < reach->jump_bytes)
		return "jumps back to its first instructions";
	if (!is_root(reach, target)) {
		if (target < function->start || target >= function->end)
			follow(reach, target);
		return NULL;
	}
	reach->n_calls++;
	if (is_of_root && at - function->start < reach->jump_bytes)
		return NULL; /* it moves to the gate */
	if (branch == BRANCH_SHORT)
		return "jumps to another of its kind by one byte";
	if (reach->ways.n >= WAYS_MAX)
		return too_many;
	way = vec_push(&reach->ways);
	*way = (struct reach_way){ end - 4, target };
	return NULL;
}

static const char *read_insns(struct reach *reach,
			      const struct function *function)
{
	uint64_t n = function->end - function->start;
	struct insn insn;
	bool is_call;

	for (uint64_t i = 0; i < n; i += insn.length) {
		enum branch branch;
		const char *fault = NULL;

		if (!insn_decode(function->code + i, n - i, &insn))
			return "is not understood";
		branch = classify(&insn, &is_call);
		if (branch == BRANCH_INDIRECT_CALL)
			reach->n_calls++;
		else if (branch != BRANCH_NONE)
			fault = take_branch(reach, function, &insn,
					    function->start + i, branch);
		if (fault)
			return fault;
	}
	return NULL;
}

static const char *read_function(struct reach *reach, uint64_t vaddr)
{
	CLEANUP(free) uint8_t *code = NULL;
	struct function function = { .start = vaddr };
	const struct elf_symbol *symbol;
	uint64_t n;
	size_t n_same;

	symbol = elf_symbols_find(reach->symbols, vaddr, &n_same);
	if (!symbol || symbol->vaddr != vaddr)
		return "has no symbol";
	for (size_t i = 0; i < n_same; i++) {
		uint64_t end = elf_symbols_end(reach->symbols, &symbol[i]);

		if (end > function.end)
			function.end = end;
	}
	n = function.end - function.start;
	if (n > FUNCTION_BYTES_MAX)
		return "is too long";
	reach->n_bytes += n;
	code = xmalloc(n + 1);
	if (module_read(reach->module, vaddr, code, n) != (ssize_t)n)
		return "is not in its file";
	function.code = code;
	return read_insns(reach, &function);
}

const char *reach_read(struct reach *reach, uint64_t vaddr)
{
	const char *fault;

	reach->n_calls = 0;
	fault = read_function(reach, vaddr);
	while (!fault && reach->pending.n) {
		uint64_t next = *(uint64_t *)vec_at(&reach->pending,
						    reach->pending.n - 1);

		reach->pending.n--;
		/* Of one that is reached no more is asked than its ways. */
		if (!is_root(reach, next))
			read_function(reach, next);
		if (reach->seen.n > FUNCTIONS_MAX ||
		    reach->n_bytes > BYTES_MAX ||
		    reach->ways.n >= WAYS_MAX)
			fault = too_many;
	}
	return fault;
}

bool reach_leads_on(const struct reach *reach, uint64_t vaddr)
{
	struct reach own = *reach; /* the same roots */
	bool leads = false;

	own.seen = (struct map){ NULL, 0, 0 };
	own.pending = VEC_OF(uint64_t);
	own.ways = VEC_OF(struct reach_way);
	own.jump_bytes = 0;
	read_function(&own, vaddr);
	for (size_t i = 0; i < own.ways.n; i++) {
		const struct reach_way *way = vec_at(&own.ways, i);

		leads |= way->target != vaddr;
	}
	map_clear(&own.seen);
	vec_clear(&own.pending);
	vec_clear(&own.ways);
	return leads;
}
