/* SPDX-License-Identifier: MIT */
/*
 * made_elf.h - a sound ELF file around one section of any bytes, so that
 * fuzzers of what is inside need not find the way there.
 *
 * At 0 the headers, at 0x1000 code, then the section and its name; two
 * segments, in which vaddr is the offset in the file.
 */
#ifndef TESTS_FUZZ_MADE_ELF_H
#define TESTS_FUZZ_MADE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/mem.h"

#define MADE_CODE_AT 0x1000
#define MADE_CODE_BYTES 0x1000
#define MADE_BYTES_AT (MADE_CODE_AT + MADE_CODE_BYTES)

struct made_elf {
	Elf64_Ehdr file;
	Elf64_Phdr segments[3];
	Elf64_Shdr sections[4];
	char names[64];
};

static inline Elf64_Phdr made_segment(uint32_t type, uint32_t flags,
				      uint64_t at, uint64_t n)
{
	return (Elf64_Phdr){ .p_type = type, .p_flags = flags, .p_offset = at,
			     .p_vaddr = at, .p_paddr = at, .p_filesz = n,
			     .p_memsz = n, .p_align = 0x1000 };
}

static inline Elf64_Shdr made_section(uint32_t name, uint32_t type,
				      uint64_t at, uint64_t n)
{
	return (Elf64_Shdr){ .sh_name = name, .sh_type = type, .sh_addr = at,
			     .sh_offset = at, .sh_size = n,
			     .sh_addralign = 8,
			     .sh_flags = SHF_ALLOC };
}

/*
 * The file, to be freed. @has_header: PT_GNU_EH_FRAME leads to @bytes. The
 * code is the start of @bytes, again and again.
 */
static inline uint8_t *made_elf(const char *section, bool has_header,
				const uint8_t *bytes, size_t n, size_t *out_n)
{
	struct made_elf *elf;
	uint8_t *image;

	*out_n = MADE_BYTES_AT + n;
	image = xcalloc(1, *out_n);
	elf = (struct made_elf *)image;
	memcpy(elf->file.e_ident, ELFMAG, SELFMAG);
	elf->file.e_ident[EI_CLASS] = ELFCLASS64;
	elf->file.e_ident[EI_DATA] = ELFDATA2LSB;
	elf->file.e_ident[EI_VERSION] = EV_CURRENT;
	elf->file.e_type = ET_DYN;
	elf->file.e_machine = EM_X86_64;
	elf->file.e_version = EV_CURRENT;
	elf->file.e_ehsize = sizeof(elf->file);
	elf->file.e_phoff = offsetof(struct made_elf, segments);
	elf->file.e_phentsize = sizeof(Elf64_Phdr);
	elf->file.e_phnum = has_header ? 3 : 2;
	elf->file.e_shoff = offsetof(struct made_elf, sections);
	elf->file.e_shentsize = sizeof(Elf64_Shdr);
	elf->file.e_shnum = 4;
	elf->file.e_shstrndx = 3;
	elf->segments[0] = made_segment(PT_LOAD, PF_R | PF_X, 0,
					MADE_BYTES_AT);
	elf->segments[1] = made_segment(PT_LOAD, PF_R, MADE_BYTES_AT, n);
	elf->segments[2] = made_segment(PT_GNU_EH_FRAME, PF_R, MADE_BYTES_AT,
					n);
	strcpy(elf->names + 1, ".text");
	strcpy(elf->names + 7, section);
	elf->sections[1] = made_section(1, SHT_PROGBITS, MADE_CODE_AT,
					MADE_CODE_BYTES);
	elf->sections[1].sh_flags |= SHF_EXECINSTR;
	elf->sections[2] = made_section(7, SHT_PROGBITS, MADE_BYTES_AT, n);
	elf->sections[3] = made_section(0, SHT_STRTAB,
					offsetof(struct made_elf, names),
					sizeof(elf->names));
	for (size_t i = 0; n && i < MADE_CODE_BYTES; i++)
		image[MADE_CODE_AT + i] = bytes[i % n];
	if (n)
		memcpy(image + MADE_BYTES_AT, bytes, n);
	return image;
}

#endif
