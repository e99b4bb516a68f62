/* SPDX-License-Identifier: MIT */
/*
 * cfi.c - rows from the call frame information of a module, by libdw.
 *
 * libdw parses; here its answers, small arrays of DWARF operations, are
 * matched against the few shapes that a row can say. The only file of
 * unwind/ that knows libdw.
 */
#include "unwind/cfi.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <unistd.h>

struct cfi {
	const struct module *module;
	Elf *elf;
	Dwarf_CFI *eh_frame;
	Dwarf *dwarf;		/* owns debug_frame */
	Dwarf_CFI *debug_frame;
	char *copy;		/* what @elf_of_copy is made of, or NULL */
	Elf *elf_of_copy;	/* of a debug file: see copy_debug_frame() */
	bool is_opened;
	bool is_go; /* its CFI is silent on rbp */
	bool has_debug_frame;
};

struct cfi *cfi_new(const struct module *module)
{
	struct cfi *cfi = xcalloc(1, sizeof(*cfi));

	cfi->module = module;
	return cfi;
}

void cfi_free(struct cfi *cfi)
{
	if (!cfi)
		return;
	if (cfi->eh_frame)
		dwarf_cfi_end(cfi->eh_frame);
	if (cfi->dwarf)
		dwarf_end(cfi->dwarf);
	if (cfi->elf_of_copy)
		elf_end(cfi->elf_of_copy);
	if (cfi->elf)
		elf_end(cfi->elf);
	free(cfi->copy);
	free(cfi);
}

static bool name_is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static const char *const frame_names[] = { ".debug_frame", ".zdebug_frame",
					   NULL };

static void cfi_look_at_sections(struct cfi *cfi)
{
	static const char *const go[] = { ".gopclntab", ".note.go.buildid",
					  ".go.buildinfo", NULL };
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(cfi->elf, &names))
		return;
	while ((section = elf_nextscn(cfi->elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(cfi->elf, names, header.sh_name);
		if (!name)
			continue;
		cfi->is_go |= name_is_one_of(name, go);
		if (name_is_one_of(name, frame_names) &&
		    header.sh_type != SHT_NOBITS)
			cfi->has_debug_frame = true;
	}
}

/* Reading, not mapping: a file that shrinks would kill us with SIGBUS. */
static Elf *elf_of_module(const struct module *module)
{
	elf_version(EV_CURRENT);
	if (module->image)
		return elf_memory((char *)module->image, module->image_bytes);
	return elf_begin(module->fd, ELF_C_READ, NULL);
}

static void cfi_open(struct cfi *cfi)
{
	GElf_Ehdr header;

	cfi->is_opened = true;
	if (!cfi->module->is_elf)
		return;
	cfi->elf = elf_of_module(cfi->module);
	if (!cfi->elf || !gelf_getehdr(cfi->elf, &header) ||
	    header.e_machine != EM_X86_64)
		return;
	cfi->eh_frame = dwarf_getcfi_elf(cfi->elf);
	cfi_look_at_sections(cfi);
	/* dwarf_begin_elf() reads every debug section there is. */
	if (!cfi->has_debug_frame)
		return;
	cfi->dwarf = dwarf_begin_elf(cfi->elf, DWARF_C_READ, NULL);
	if (cfi->dwarf)
		cfi->debug_frame = dwarf_getcfi(cfi->dwarf);
}

/* The section with .debug_frame, and its header and name; or NULL. */
static Elf_Scn *find_debug_frame(Elf *elf, GElf_Shdr *header,
				 const char **out_name)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, header) ||
		    header->sh_type == SHT_NOBITS)
			continue;
		*out_name = elf_strptr(elf, names, header->sh_name);
		if (*out_name && name_is_one_of(*out_name, frame_names))
			return section;
	}
	return NULL;
}

/*
 * An ELF file of nothing but the .debug_frame of @elf, freed with free(), or
 * NULL. Given the debug file itself, libdw would read all its sections.
 */
static char *copy_debug_frame(Elf *elf, size_t *out_bytes)
{
	struct {
		Elf64_Ehdr file;
		Elf64_Shdr sections[3]; /* none, names, .debug_frame */
		char names[32];
	} head = { .sections[1].sh_type = SHT_STRTAB };
	Elf64_Shdr *frame = &head.sections[2];
	GElf_Shdr header;
	const char *name;
	Elf_Scn *section = find_debug_frame(elf, &header, &name);
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	GElf_Ehdr file;
	char *copy;

	if (!data || !data->d_buf || !gelf_getehdr(elf, &file) ||
	    file.e_machine != EM_X86_64 || file.e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	memcpy(head.file.e_ident, file.e_ident, EI_NIDENT);
	head.file.e_type = file.e_type;
	head.file.e_machine = file.e_machine;
	head.file.e_version = EV_CURRENT;
	head.file.e_ehsize = sizeof(head.file);
	head.file.e_shoff = sizeof(head.file);
	head.file.e_shentsize = sizeof(Elf64_Shdr);
	head.file.e_shnum = ARRAY_SIZE(head.sections);
	head.file.e_shstrndx = 1;
	head.sections[1].sh_offset = sizeof(head) - sizeof(head.names);
	head.sections[1].sh_size = sizeof(head.names);
	snprintf(head.names + 1, sizeof(head.names) - 1, "%s", name);
	*frame = header;
	frame->sh_name = 1;
	frame->sh_offset = sizeof(head);
	frame->sh_size = data->d_size;
	frame->sh_link = frame->sh_info = 0;
	*out_bytes = sizeof(head) + data->d_size;
	copy = xmalloc(*out_bytes);
	memcpy(copy, &head, sizeof(head));
	memcpy(copy + sizeof(head), data->d_buf, data->d_size);
	return copy;
}

void cfi_use_debug_file(struct cfi *cfi, int fd)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	char *copy = NULL;
	size_t bytes;

	if (!cfi->dwarf && !cfi->copy)
		copy = copy_debug_frame(elf, &bytes);
	if (copy) {
		cfi->copy = copy;
		cfi->elf_of_copy = elf_memory(copy, bytes);
		cfi->dwarf = dwarf_begin_elf(cfi->elf_of_copy, DWARF_C_READ,
					     NULL);
		if (cfi->dwarf)
			cfi->debug_frame = dwarf_getcfi(cfi->dwarf);
	}
	if (elf)
		elf_end(elf);
	close(fd);
}

/* [breg reg, offset] or the bregx form of it. */
static bool op_is_reg_offset(const Dwarf_Op *op, unsigned int *reg,
			     int32_t *offset)
{
	int64_t value;

	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*reg = op->atom - DW_OP_breg0;
		value = (int64_t)op->number;
	} else if (op->atom == DW_OP_bregx) {
		if (op->number >= N_REGS)
			return false;
		*reg = (unsigned int)op->number;
		value = (int64_t)op->number2;
	} else {
		return false;
	}
	*offset = (int32_t)value;
	return *reg < N_REGS && value == *offset;
}

/* An operation that adds a constant: plus_uconst. */
static bool op_is_plus(const Dwarf_Op *op, int32_t *value)
{
	*value = (int32_t)(int64_t)op->number;
	return op->atom == DW_OP_plus_uconst &&
	       (int64_t)op->number == *value;
}

/*
 * The expression that GNU ld writes for a PLT: the stub pushes a word at
 * its byte 11 (or 5, with IBT), so CFA = rsp + 8 + ((rip & 15) >= 11) * 8.
 */
static bool match_plt(const Dwarf_Op *ops, size_t n, struct row *row)
{
	static const uint8_t atoms[] = {
		DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, 0,
		DW_OP_ge,    DW_OP_lit3,   DW_OP_shl,	DW_OP_plus,
	};

	if (n != ARRAY_SIZE(atoms))
		return false;
	for (size_t i = 0; i < n; i++)
		if (i != 4 && ops[i].atom != atoms[i])
			return false;
	if (ops[0].number != 8 || ops[1].number != 0 ||
	    ops[4].atom < DW_OP_lit0 || ops[4].atom > DW_OP_lit15)
		return false;
	row->kind = ROW_PLT;
	row->cfa_reg = CPU_SP;
	row->cfa_offset = 8;
	row->extra = ops[4].atom - DW_OP_lit0;
	return true;
}

/* [breg, deref] with a constant added behind it or not. */
static bool match_deref(const Dwarf_Op *ops, size_t n, struct row *row)
{
	unsigned int reg;

	if (n < 2 || n > 3 || ops[1].atom != DW_OP_deref ||
	    !op_is_reg_offset(&ops[0], &reg, &row->cfa_offset))
		return false;
	row->extra = 0;
	if (n == 3 && !op_is_plus(&ops[2], &row->extra))
		return false;
	row->kind = ROW_DEREF;
	row->cfa_reg = (uint8_t)reg;
	return true;
}

static bool convert_cfa(Dwarf_Frame *frame, struct row *row)
{
	Dwarf_Op *ops;
	size_t n;
	unsigned int reg;

	if (dwarf_frame_cfa(frame, &ops, &n) || n == 0)
		return false;
	if (n == 1 && op_is_reg_offset(&ops[0], &reg, &row->cfa_offset)) {
		row->kind = ROW_PLAIN;
		row->cfa_reg = (uint8_t)reg;
		return true;
	}
	return match_deref(ops, n, row) || match_plt(ops, n, row);
}

/*
 * What libdw says of @reg, as a rule; false if no rule can say it. Rules
 * come as [call_frame_cfa, plus_uconst offset]; those that were written as
 * an expression as [call_frame_cfa, the expression].
 */
static bool convert_reg(Dwarf_Frame *frame, enum cpu_reg reg, uint8_t *out_rule,
			int32_t *out_offset)
{
	Dwarf_Op mem[3], *ops;
	unsigned int base;
	size_t n;

	*out_offset = 0;
	if (dwarf_frame_register(frame, (int)reg, mem, &ops, &n))
		return false;
	if (n == 0) {
		*out_rule = ops ? RULE_UNKNOWN : RULE_SAME;
		return true;
	}
	if (ops[0].atom != DW_OP_call_frame_cfa || n > 2)
		return false;
	*out_rule = RULE_AT_CFA;
	if (n == 1 || op_is_plus(&ops[1], out_offset))
		return true;
	*out_rule = RULE_AT_FP;
	return op_is_reg_offset(&ops[1], &base, out_offset) && base == CPU_FP;
}

/* sp of the caller is the CFA: [call_frame_cfa, stack_value]. */
static bool sp_is_cfa(Dwarf_Frame *frame)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, CPU_SP, mem, &ops, &n))
		return false;
	/* "same value" is what libdw says where the CIE is silent. */
	if (n == 0)
		return true;
	return n == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
	       ops[1].atom == DW_OP_stack_value;
}

/* Where @reg is in a signal frame: *(sp + offset). */
static bool signal_offset(Dwarf_Frame *frame, enum cpu_reg reg, int32_t *out)
{
	Dwarf_Op mem[3], *ops;
	unsigned int base;
	size_t n;

	return !dwarf_frame_register(frame, (int)reg, mem, &ops, &n) &&
	       n == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
	       op_is_reg_offset(&ops[1], &base, out) && base == CPU_SP;
}

/*
 * The return trampoline of a signal handler: every register lies in the
 * ucontext at sp. gregs[] has rbp, rbx, r12-15, rsp, rip at these places.
 */
static bool convert_signal(Dwarf_Frame *frame, struct row *row)
{
	static const struct {
		enum cpu_reg reg;
		int32_t offset;
	} gregs[] = {
		{ CPU_R12, 4 * 8 },  { CPU_R13, 5 * 8 },  { CPU_R14, 6 * 8 },
		{ CPU_R15, 7 * 8 },  { CPU_FP, 10 * 8 },  { CPU_RBX, 11 * 8 },
		{ CPU_SP, 15 * 8 },  { CPU_PC, 16 * 8 },
	};
	int32_t base = 0;

	for (size_t i = 0; i < ARRAY_SIZE(gregs); i++) {
		int32_t offset;

		if (!signal_offset(frame, gregs[i].reg, &offset))
			return false;
		offset -= gregs[i].offset;
		if (i > 0 && offset != base)
			return false;
		base = offset;
	}
	row->kind = ROW_SIGNAL;
	row->cfa_reg = CPU_SP;
	row->cfa_offset = base;
	return true;
}

static uint8_t convert_save(Dwarf_Frame *frame, bool is_silent,
			    enum cpu_reg reg, int32_t *out_offset)
{
	uint8_t rule;

	if (!convert_reg(frame, reg, &rule, out_offset))
		return RULE_UNKNOWN;
	if (is_silent && rule == RULE_SAME)
		return RULE_UNKNOWN;
	/* The psABI has rbx preserved by calls, but the defaults of libdw
	 * (backends/x86_64_cfi.c, 0.188) say so of register 0 in its stead,
	 * so that a row which is silent on rbx comes out as undefined. */
	if (!is_silent && reg == CPU_RBX && rule == RULE_UNKNOWN)
		return RULE_SAME;
	return rule;
}

static void convert_saves(Dwarf_Frame *frame, bool is_silent,
			  struct row_saves *saves)
{
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		saves->rule[i] = convert_save(frame, is_silent, saved_reg(i),
					      &saves->offset[i]);
}

/*
 * Whether @frame may be shown to libunwind, which (1.6.2) indexes an array
 * by the register that DW_CFA_register names without a look at its number.
 */
static bool frame_is_sane(Dwarf_Frame *frame)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) || n == 0)
		return false;
	if (n == 1 && ops[0].atom == DW_OP_bregx && ops[0].number >= N_REGS)
		return false;
	if (n == 1 && ops[0].atom >= DW_OP_breg0 + N_REGS &&
	    ops[0].atom <= DW_OP_breg31)
		return false;
	for (int reg = 0; reg < N_REGS; reg++) {
		if (dwarf_frame_register(frame, reg, mem, &ops, &n))
			return false;
		if (n > 0 && ops[0].atom == DW_OP_regx &&
		    ops[0].number >= N_REGS)
			return false;
		if (n > 0 && ops[0].atom >= DW_OP_reg0 + N_REGS &&
		    ops[0].atom <= DW_OP_reg31)
			return false;
	}
	return true;
}

/* @is_silent: "same value" means that nothing was said. */
static void convert_frame(Dwarf_Frame *frame, bool is_silent, struct row *row,
			  struct row_saves *saves)
{
	bool is_signal = false;
	uint8_t pc_rule;
	int32_t pc_offset;
	Dwarf_Addr start, end;

	row->kind = ROW_HARD;
	if (dwarf_frame_info(frame, &start, &end, &is_signal) != CPU_PC)
		return;
	if (is_signal) {
		convert_signal(frame, row);
		return;
	}
	if (!convert_reg(frame, CPU_PC, &pc_rule, &pc_offset))
		return;
	if (pc_rule == RULE_UNKNOWN) {
		row->kind = ROW_ROOT;
		return;
	}
	if (pc_rule != RULE_AT_CFA || pc_offset != -8 || !sp_is_cfa(frame) ||
	    !convert_reg(frame, CPU_FP, &row->fp_rule, &row->fp_offset) ||
	    !convert_cfa(frame, row)) {
		row->kind = ROW_HARD;
		return;
	}
	/* Go's system stacks begin in runtime.clone, runtime.systemstack and
	 * their like, whose rules speak of a return address all the same. */
	if (is_silent)
		row->flags |= ROW_MAY_END;
	if (is_silent && row->fp_rule == RULE_SAME)
		row->fp_rule = RULE_UNKNOWN;
	convert_saves(frame, is_silent, saves);
}

void cfi_find_row(struct cfi *cfi, uint64_t vaddr, struct row *out,
		  struct row_saves *out_saves)
{
	Dwarf_Frame *frame = NULL;
	bool is_silent = false;

	*out = (struct row){ .kind = ROW_NONE };
	*out_saves = (struct row_saves){ .rule = { RULE_UNKNOWN } };
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		out_saves->rule[i] = RULE_UNKNOWN;
	if (!cfi->is_opened)
		cfi_open(cfi);
	if (!cfi->eh_frame ||
	    dwarf_cfi_addrframe(cfi->eh_frame, vaddr, &frame)) {
		if (!cfi->debug_frame ||
		    dwarf_cfi_addrframe(cfi->debug_frame, vaddr, &frame))
			return;
		is_silent = cfi->is_go;
	}
	convert_frame(frame, is_silent, out, out_saves);
	if (out->kind == ROW_HARD && !frame_is_sane(frame))
		out->kind = ROW_BROKEN;
	free(frame);
}
