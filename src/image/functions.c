/* SPDX-License-Identifier: MIT */
/* functions.c - where the functions of a module begin. */
#include "image/functions.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "image/decode.h"
#include "image/elf_headers.h"
#include "image/elf_relocs.h"
#include "image/elf_sections.h"

#define SYMBOLS_MAX (4u << 20)
#define FDES_MAX (4u << 20)
#define CODE_BYTES_MAX (16u << 20)
#define STARTS_MAX (4u << 20)
#define NEAR_BYTES 65536u /* larger functions are rare */
#define FUNCTION_ALIGN 16u
#define FILLER 0xcc /* int3: of lld between functions */
/* Offsets of an instruction counted from its end have no base register. */
#define NO_BASE 255

void functions_clear(struct functions *functions)
{
	vec_clear(&functions->starts);
}

static const struct segment *find_code(const struct module *module,
				       uint64_t vaddr)
{
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *segment = &module->segments[i];

		if (segment->is_executable &&
		    vaddr - segment->vaddr < segment->file_bytes)
			return segment;
	}
	return NULL;
}

static void add_start(struct functions *functions, const struct module *module,
		      uint64_t vaddr)
{
	if (functions->starts.n < STARTS_MAX && find_code(module, vaddr))
		*(uint64_t *)vec_push(&functions->starts) = vaddr;
}

static bool add_symbols(struct functions *functions,
			const struct module *module,
			const struct section *section)
{
	CLEANUP(free) Elf64_Sym *symbols = NULL;
	size_t n = section->n_bytes / sizeof(*symbols);
	ssize_t got;

	if (n == 0 || n > SYMBOLS_MAX)
		return false;
	symbols = xcalloc(n, sizeof(*symbols));
	got = module_read_offset(module, section->offset, symbols,
				 n * sizeof(*symbols));
	n = got > 0 ? (size_t)got / sizeof(*symbols) : 0;
	for (size_t i = 0; i < n; i++) {
		int type = ELF64_ST_TYPE(symbols[i].st_info);

		if ((type == STT_FUNC || type == STT_GNU_IFUNC) &&
		    symbols[i].st_shndx != SHN_UNDEF)
			add_start(functions, module, symbols[i].st_value);
	}
	return n > 1;
}

/* The search table behind PT_GNU_EH_FRAME (LSB core, 10.6.2). */
static void add_fdes(struct functions *functions, const struct module *module)
{
	struct {
		uint8_t version, pointer_enc, count_enc, table_enc;
		int32_t eh_frame;
		uint32_t n;
	} header;
	CLEANUP(free) int32_t *table = NULL;
	uint64_t at = module->unwind_header;
	size_t bytes;

	if (!at || module_read(module, at, &header, sizeof(header)) !=
			   (ssize_t)sizeof(header) ||
	    header.version != 1 || header.count_enc != 0x03 ||
	    header.table_enc != 0x3b || header.n > FDES_MAX)
		return;
	bytes = 8 * (size_t)header.n;
	table = xmalloc(bytes + 1);
	if (module_read(module, at + sizeof(header), table, bytes) !=
	    (ssize_t)bytes)
		return;
	for (size_t i = 0; i < header.n; i++)
		add_start(functions, module,
			  at + (uint64_t)(int64_t)table[2 * i]);
}

/*
 * The address that @insn, which ends at @next, calls or takes; or 0. Only in
 * code for a fixed place (@has_absolute) is a number one.
 */
static uint64_t address_in(const struct insn *insn, uint64_t next,
			   bool has_absolute)
{
	if (insn->map != MAP_ONE)
		return 0;
	if (insn->opcode == 0xe8) /* call */
		return next + (uint64_t)insn->imm;
	if (insn->opcode == 0x8d && insn->mod == 0 &&
	    insn->base == NO_BASE && !insn->has_index) /* lea (%rip) */
		return next + (uint64_t)(int64_t)insn->disp;
	if (!has_absolute)
		return 0;
	if ((insn->opcode & 0xf8) == 0xb8) /* mov $imm, %reg */
		return (uint64_t)insn->imm & UINT32_MAX;
	if (insn->opcode == 0xc7 && insn->mod == 3)
		return (uint64_t)insn->imm & UINT32_MAX;
	return 0;
}

/* *@budget: how much code may still be read; segments may overlap. */
static void add_code(struct functions *functions, const struct module *module,
		     const struct segment *segment, size_t *budget)
{
	CLEANUP(free) uint8_t *code = NULL;
	size_t at = 0, n = segment->file_bytes;
	ssize_t got;

	functions->is_partial |= n > *budget;
	if (n == 0 || n > *budget)
		return;
	*budget -= n;
	code = xmalloc(n);
	got = module_read(module, segment->vaddr, code, n);
	n = got > 0 ? (size_t)got : 0;
	while (at < n) {
		struct insn insn;
		uint64_t target;

		/* Data among the code: on to the next byte. */
		if (!insn_decode(code + at, n - at, &insn)) {
			at++;
			continue;
		}
		at += insn.length;
		target = address_in(&insn, segment->vaddr + at,
				    module->is_executable_type);
		if (target)
			add_start(functions, module, target);
	}
}

struct relocs {
	struct functions *functions;
	const struct module *module;
};

static bool add_reloc(void *ctx, uint64_t target)
{
	struct relocs *relocs = ctx;

	add_start(relocs->functions, relocs->module, target);
	return false;
}

static int compare_starts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_starts(struct functions *functions)
{
	uint64_t *starts = functions->starts.data;
	size_t n = 0;

	if (!functions->starts.n)
		return;
	qsort(starts, functions->starts.n, sizeof(*starts), compare_starts);
	for (size_t i = 0; i < functions->starts.n; i++)
		if (n == 0 || starts[n - 1] != starts[i])
			starts[n++] = starts[i];
	functions->starts.n = n;
}

static void functions_make(struct functions *functions,
			   const struct module *module)
{
	struct relocs relocs = { functions, module };
	size_t budget = CODE_BYTES_MAX;
	struct sections sections = { { 0 } };
	const struct section *symbols;

	functions->is_made = true;
	functions->starts = VEC_OF(uint64_t);
	if (!module->is_elf)
		return;
	sections_init(&sections, module);
	symbols = sections_find(&sections, ".symtab");
	functions->is_complete = symbols && add_symbols(functions, module,
							symbols);
	symbols = sections_find(&sections, ".dynsym");
	if (!functions->is_complete && symbols)
		add_symbols(functions, module, symbols);
	sections_clear(&sections);
	add_start(functions, module, module->entry);
	if (!functions->is_complete) {
		add_fdes(functions, module);
		module_each_reloc(module, add_reloc, &relocs);
		for (size_t i = 0; i < module->n_segments; i++)
			if (module->segments[i].is_executable)
				add_code(functions, module,
					 &module->segments[i], &budget);
	}
	sort_starts(functions);
}

static uint64_t start_at(const struct functions *functions, size_t i)
{
	return *(uint64_t *)vec_at(&functions->starts, i);
}

bool functions_find(struct functions *functions, const struct module *module,
		    uint64_t vaddr, uint64_t *out_start, uint64_t *out_end)
{
	const struct segment *segment = find_code(module, vaddr);
	size_t n;

	if (!functions->is_made)
		functions_make(functions, module);
	n = vec_count_up_to(&functions->starts, vaddr);
	if (!segment || !n)
		return false;
	*out_start = start_at(functions, n - 1);
	*out_end = segment->vaddr + segment->file_bytes;
	if (n < functions->starts.n && start_at(functions, n) < *out_end)
		*out_end = start_at(functions, n);
	return *out_start >= segment->vaddr;
}

/* push %rbp; mov %rsp,%rbp */
static bool is_prologue(const uint8_t *code, size_t n)
{
	static const uint8_t frame[] = { 0x55, 0x48, 0x89, 0xe5 };

	return n >= sizeof(frame) && !memcmp(code, frame, sizeof(frame));
}

static bool find_near(const struct module *module,
		      const struct segment *segment, uint64_t vaddr,
		      uint64_t *out_start)
{
	uint64_t from = segment->vaddr;
	CLEANUP(free) uint8_t *code = xmalloc(NEAR_BYTES + 1);
	ssize_t n;

	if (vaddr - from > NEAR_BYTES)
		from = vaddr - NEAR_BYTES;
	n = module_read(module, from, code, vaddr - from + 1);
	if (n <= 0 || (uint64_t)n != vaddr - from + 1)
		return false;
	for (uint64_t at = vaddr - vaddr % FUNCTION_ALIGN; at > from;
	     at -= FUNCTION_ALIGN) {
		size_t i = at - from;

		if (code[i - 1] != FILLER &&
		    !is_prologue(code + i, (size_t)n - i))
			continue;
		*out_start = at;
		return true;
	}
	return false;
}

bool functions_find_start(struct functions *functions,
			  const struct module *module, uint64_t vaddr,
			  uint64_t *out_start)
{
	const struct segment *segment = find_code(module, vaddr);
	uint64_t end, near;
	bool is_found = functions_find(functions, module, vaddr, out_start,
				       &end);

	if (functions->is_complete || !segment)
		return false;
	if (!functions->is_partial)
		return is_found;
	if (!find_near(module, segment, vaddr, &near))
		return false;
	if (!is_found || near > *out_start)
		*out_start = near;
	return true;
}
