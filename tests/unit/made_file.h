/* SPDX-License-Identifier: MIT */
/*
 * made_file.h - ELF files that are put together by hand, sound or not.
 *
 * At 0 the headers, at 0x400 the sections, at 0xc00 their names; from 0x1000
 * on whatever a test puts there. Unless a segment says otherwise the vaddr of
 * a byte is its offset.
 */
#ifndef PS_TESTS_UNIT_MADE_FILE_H
#define PS_TESTS_UNIT_MADE_FILE_H

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image/elf_headers.h"
#include "util/mem.h"

#define MADE_SECTIONS_AT 0x400
#define MADE_NAMES_AT 0xc00
#define MADE_BYTES_AT 0x1000

struct made {
	uint8_t *bytes;
	size_t n, n_names;
};

static inline Elf64_Ehdr *made_header(const struct made *made)
{
	return (Elf64_Ehdr *)made->bytes;
}

static inline Elf64_Phdr *made_segments(const struct made *made)
{
	return (Elf64_Phdr *)(made->bytes + sizeof(Elf64_Ehdr));
}

static inline Elf64_Shdr *made_sections(const struct made *made)
{
	return (Elf64_Shdr *)(made->bytes + MADE_SECTIONS_AT);
}

/* The next section, of the @n bytes at @at; its index. */
static inline size_t made_add_section(struct made *made, const char *name,
				      uint32_t type, uint64_t at, uint64_t n)
{
	Elf64_Ehdr *file = made_header(made);
	Elf64_Shdr *section = &made_sections(made)[file->e_shnum];

	*section = (Elf64_Shdr){
		.sh_name = (uint32_t)made->n_names, .sh_type = type,
		.sh_flags = SHF_ALLOC, .sh_addr = at, .sh_offset = at,
		.sh_size = n, .sh_addralign = 8,
	};
	strcpy((char *)made->bytes + MADE_NAMES_AT + made->n_names, name);
	made->n_names += strlen(name) + 1;
	return file->e_shnum++;
}

static inline struct made made_new(size_t n, uint16_t type)
{
	struct made made = { .bytes = xcalloc(1, n), .n = n };
	Elf64_Ehdr *file = made_header(&made);

	memcpy(file->e_ident, ELFMAG, SELFMAG);
	file->e_ident[EI_CLASS] = ELFCLASS64;
	file->e_ident[EI_DATA] = ELFDATA2LSB;
	file->e_ident[EI_VERSION] = EV_CURRENT;
	file->e_type = type;
	file->e_machine = EM_X86_64;
	file->e_version = EV_CURRENT;
	file->e_ehsize = sizeof(*file);
	file->e_phoff = sizeof(*file);
	file->e_phentsize = sizeof(Elf64_Phdr);
	file->e_shoff = MADE_SECTIONS_AT;
	file->e_shentsize = sizeof(Elf64_Shdr);
	made_add_section(&made, "", SHT_NULL, 0, 0);
	file->e_shstrndx = (uint16_t)made_add_section(
		&made, ".shstrtab", SHT_STRTAB, MADE_NAMES_AT, 0x400);
	return made;
}

static inline Elf64_Phdr *made_add_segment(struct made *made, uint32_t type,
					   uint32_t flags, uint64_t at,
					   uint64_t n)
{
	Elf64_Phdr *segment =
		&made_segments(made)[made_header(made)->e_phnum++];

	*segment = (Elf64_Phdr){ .p_type = type, .p_flags = flags,
				 .p_offset = at, .p_vaddr = at,
				 .p_paddr = at, .p_filesz = n, .p_memsz = n,
				 .p_align = 0x1000 };
	return segment;
}

static inline void made_put(const struct made *made, uint64_t at,
			    const void *bytes, size_t n)
{
	memcpy(made->bytes + at, bytes, n);
}

/* The file as a module, which owns its bytes from now on. */
static inline struct module made_module(struct made *made)
{
	struct module module = {
		.path = (char *)(uintptr_t)"/usr/lib/libmade.so.1",
		.fd = -1,
		.image_bytes = made->n,
	};

	module.image = TAKE(made->bytes);
	module_parse_headers(&module);
	return module;
}

static inline void made_module_free(struct module *module)
{
	free(module->image);
	free(module->segments);
}

#endif
