/* SPDX-License-Identifier: MIT */
/*
 * plt.c - read stubs, their slots, and the relocations of these.
 *
 * Linkers differ in the order and length of what is in a stub, so only two
 * instructions are looked for (psABI x86-64, 5.2; CET adds others):
 *
 *	ff 25 disp32	jmp *slot(%rip)
 *	68 imm32	push $index	of the relocation in .rela.plt
 */
#include "symbol/plt.h"

#include <gelf.h>
#include <stdbool.h>

#include "util/mem.h"

#define STUB_BYTES 16 /* where a section does not say */
#define STUB_BYTES_MAX 64
#define SLOTS_MAX 1000000

struct plt_section {
	uint64_t start, end, stub_bytes;
	const unsigned char *bytes; /* owned by the Elf */
};

static void plt_add_section(struct plt *plt, Elf_Scn *scn,
			    const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_rawdata(scn, NULL);
	struct plt_section *section;

	if (!data || !data->d_buf || !(shdr->sh_flags & SHF_EXECINSTR))
		return;
	section = vec_push(&plt->sections);
	section->start = shdr->sh_addr;
	section->end = shdr->sh_addr + data->d_size;
	section->bytes = data->d_buf;
	section->stub_bytes = shdr->sh_entsize;
	/* .plt.got has stubs of 8 bytes and, in some linkers, says 0. */
	if (section->stub_bytes < 8 || section->stub_bytes > STUB_BYTES_MAX)
		section->stub_bytes = STUB_BYTES;
}

static const char *symbol_name(Elf *elf, const GElf_Shdr *table,
			       Elf_Data *symbols, size_t index)
{
	GElf_Sym sym;

	if (!index || !symbols || !gelf_getsym(symbols, (int)index, &sym))
		return NULL;
	return elf_strptr(elf, table->sh_link, sym.st_name);
}

static void plt_add_relocations(struct plt *plt, Elf *elf, Elf_Scn *scn,
				const GElf_Shdr *shdr, bool is_ordered)
{
	Elf_Scn *symbols = elf_getscn(elf, shdr->sh_link);
	Elf_Data *data = elf_getdata(scn, NULL);
	Elf_Data *symbol_data = symbols ? elf_getdata(symbols, NULL) : NULL;
	GElf_Shdr table = { 0 };
	GElf_Rela rela;

	if (!data || (symbols && !gelf_getshdr(symbols, &table)))
		return;
	for (int i = 0; i < SLOTS_MAX && gelf_getrela(data, i, &rela); i++) {
		uint32_t type = (uint32_t)GELF_R_TYPE(rela.r_info);
		const char *name = NULL;

		if (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT)
			name = symbol_name(elf, &table, symbol_data,
					   GELF_R_SYM(rela.r_info));
		if (is_ordered)
			*(uint32_t *)vec_push(&plt->order) =
				name ? (uint32_t)plt->names.n : NO_ID;
		if (!name)
			continue;
		map_put(&plt->by_slot, rela.r_offset,
			(uint32_t)plt->names.n);
		*(const char **)vec_push(&plt->names) = name;
	}
}

void plt_init(struct plt *plt, Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;

	*plt = (struct plt){
		.sections = VEC_OF(struct plt_section),
		.names = VEC_OF(const char *),
		.order = VEC_OF(uint32_t),
	};
	if (elf_getshdrstrndx(elf, &names) < 0)
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *name;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		name = elf_strptr(elf, names, shdr.sh_name);
		if (name && shdr.sh_type == SHT_PROGBITS &&
		    (!strcmp(name, ".plt") || !strncmp(name, ".plt.", 5)))
			plt_add_section(plt, scn, &shdr);
		else if (name && shdr.sh_type == SHT_RELA &&
			 (shdr.sh_flags & SHF_ALLOC))
			plt_add_relocations(plt, elf, scn, &shdr,
					    !strcmp(name, ".rela.plt"));
	}
}

void plt_clear(struct plt *plt)
{
	vec_clear(&plt->sections);
	vec_clear(&plt->names);
	vec_clear(&plt->order);
	map_clear(&plt->by_slot);
}

static uint32_t read_u32(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* What the @n bytes of the stub at @vaddr lead to. */
static uint32_t stub_name(const struct plt *plt, const unsigned char *stub,
			  size_t n, uint64_t vaddr)
{
	for (size_t i = 0; i + 6 <= n; i++) {
		uint64_t next = vaddr + i + 6;

		if (stub[i] == 0xff && stub[i + 1] == 0x25)
			return map_get(&plt->by_slot,
				       next + (uint64_t)(int64_t)(int32_t)
						      read_u32(stub + i + 2));
	}
	for (size_t i = 0; i + 5 <= n; i++) {
		uint32_t index = read_u32(stub + i + 1);

		if (stub[i] == 0x68 && index < plt->order.n)
			return *(uint32_t *)vec_at(&plt->order, index);
	}
	return NO_ID;
}

const char *plt_find(const struct plt *plt, uint64_t vaddr)
{
	for (size_t i = 0; i < plt->sections.n; i++) {
		const struct plt_section *s = vec_at(&plt->sections, i);
		uint64_t at, left;
		uint32_t name;

		if (vaddr < s->start || vaddr >= s->end)
			continue;
		at = (vaddr - s->start) / s->stub_bytes * s->stub_bytes;
		left = s->end - s->start - at;
		name = stub_name(plt, s->bytes + at,
				 left < s->stub_bytes ? left : s->stub_bytes,
				 s->start + at);
		return name == NO_ID ? ""
				     : *(const char **)vec_at(&plt->names,
							      name);
	}
	return NULL;
}
