/* SPDX-License-Identifier: MIT */
/* elf_headers.c - what the program headers of an ELF file say. */
#include "image/elf_headers.h"

#include <elf.h>
#include <string.h>

#include "util/io.h"
#include "util/mem.h"

/* The kernel itself refuses tables above 64 KiB (fs/binfmt_elf.c). */
#define PROGRAM_HEADERS_MAX (65536 / sizeof(Elf64_Phdr))
#define NOTE_BYTES_MAX 65536

ssize_t module_read_offset(const struct module *module, uint64_t offset,
			   void *buf, size_t len)
{
	if (module->image) {
		if (offset >= module->image_bytes)
			return 0;
		if (len > module->image_bytes - offset)
			len = module->image_bytes - offset;
		memcpy(buf, module->image + offset, len);
		return (ssize_t)len;
	}
	if (module->fd < 0 || offset > INT64_MAX)
		return -1;
	return io_pread_full(module->fd, buf, len, (off_t)offset);
}

static uint32_t align_note(uint32_t n)
{
	return (n + 3) & ~3u;
}

/* Look for the build id among the notes at @notes (elf(5), Notes). */
static void notes_find_build_id(struct module *module, const uint8_t *notes,
				size_t len)
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr header;
		uint64_t name_bytes, total;

		memcpy(&header, notes, sizeof(header));
		if (header.n_namesz > len || header.n_descsz > len)
			return;
		name_bytes = align_note(header.n_namesz);
		total = sizeof(header) + name_bytes +
			align_note(header.n_descsz);
		if (sizeof(header) + name_bytes + header.n_descsz > len)
			return;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
		    !memcmp(notes + sizeof(header), "GNU", 4) &&
		    header.n_descsz > 0 && header.n_descsz <= BUILD_ID_MAX) {
			memcpy(module->build_id,
			       notes + sizeof(header) + name_bytes,
			       header.n_descsz);
			module->build_id_bytes = header.n_descsz;
			return;
		}
		if (total > len)
			return;
		notes += total;
		len -= total;
	}
}

static void module_add_notes(struct module *module, const Elf64_Phdr *phdr)
{
	CLEANUP(free) uint8_t *notes = NULL;
	ssize_t n;

	if (module->build_id_bytes || phdr->p_filesz > NOTE_BYTES_MAX ||
	    phdr->p_filesz == 0)
		return;
	notes = xmalloc(phdr->p_filesz);
	n = module_read_offset(module, phdr->p_offset, notes, phdr->p_filesz);
	if (n > 0)
		notes_find_build_id(module, notes, (size_t)n);
}

static void module_add_segment(struct module *module, const Elf64_Phdr *phdr)
{
	uint64_t end;

	if (__builtin_add_overflow(phdr->p_vaddr, phdr->p_memsz, &end) ||
	    __builtin_add_overflow(phdr->p_offset, phdr->p_filesz, &end) ||
	    phdr->p_filesz > phdr->p_memsz)
		return;
	module->segments[module->n_segments++] = (struct segment){
		.offset = phdr->p_offset,
		.vaddr = phdr->p_vaddr,
		.file_bytes = phdr->p_filesz,
		.memory_bytes = phdr->p_memsz,
		.is_executable = phdr->p_flags & PF_X,
	};
}

/* A header of 32 bits as one of 64. */
static Elf64_Ehdr widen_header(const Elf32_Ehdr *header)
{
	Elf64_Ehdr wide = { .e_type = header->e_type,
			    .e_machine = header->e_machine,
			    .e_entry = header->e_entry,
			    .e_phoff = header->e_phoff,
			    .e_phentsize = header->e_phentsize,
			    .e_phnum = header->e_phnum };

	memcpy(wide.e_ident, header->e_ident, EI_NIDENT);
	return wide;
}

static Elf64_Phdr widen_program_header(const Elf32_Phdr *phdr)
{
	return (Elf64_Phdr){ .p_type = phdr->p_type, .p_flags = phdr->p_flags,
			     .p_offset = phdr->p_offset,
			     .p_vaddr = phdr->p_vaddr,
			     .p_filesz = phdr->p_filesz,
			     .p_memsz = phdr->p_memsz };
}

static bool header_is_ours(const Elf64_Ehdr *header, bool is_32_bit)
{
	return header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_ident[EI_CLASS] ==
		       (is_32_bit ? ELFCLASS32 : ELFCLASS64) &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_phentsize == (is_32_bit ? sizeof(Elf32_Phdr) :
						   sizeof(Elf64_Phdr));
}

static void module_add_program_header(struct module *module,
				      const Elf64_Phdr *phdr)
{
	if (phdr->p_type == PT_LOAD)
		module_add_segment(module, phdr);
	else if (phdr->p_type == PT_NOTE)
		module_add_notes(module, phdr);
	else if (phdr->p_type == PT_GNU_EH_FRAME)
		module->unwind_header = phdr->p_vaddr;
}

/* The file's header, as one of 64 bits; false: there is none of ours. */
static bool module_read_header(struct module *module, Elf64_Ehdr *out)
{
	union { /* both begin with e_ident */
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} header;

	if (module_read_offset(module, 0, &header, sizeof(header)) !=
		    (ssize_t)sizeof(header) ||
	    memcmp(header.wide.e_ident, ELFMAG, SELFMAG)) {
		module->fault = "not an ELF file";
		return false;
	}
	module->is_32_bit &= header.wide.e_ident[EI_CLASS] == ELFCLASS32;
	*out = module->is_32_bit ? widen_header(&header.narrow) : header.wide;
	if (header_is_ours(out, module->is_32_bit))
		return true;
	module->fault = "not a 64-bit little-endian program or library";
	return false;
}

void module_parse_headers(struct module *module)
{
	CLEANUP(free) uint8_t *phdrs = NULL;
	Elf64_Ehdr header;
	size_t bytes;

	if (!module_read_header(module, &header))
		return;
	if (header.e_phnum == 0 || header.e_phnum > PROGRAM_HEADERS_MAX) {
		module->fault = "no usable program headers";
		return;
	}
	bytes = (size_t)header.e_phnum * header.e_phentsize;
	phdrs = xmalloc(bytes);
	if (module_read_offset(module, header.e_phoff, phdrs, bytes) !=
	    (ssize_t)bytes) {
		module->fault = "program headers are cut off";
		return;
	}
	module->segments = xcalloc(header.e_phnum, sizeof(*module->segments));
	for (size_t i = 0; i < header.e_phnum; i++) {
		const void *at = phdrs + i * header.e_phentsize;
		Elf64_Phdr phdr = module->is_32_bit ? widen_program_header(at) :
						      *(const Elf64_Phdr *)at;

		module_add_program_header(module, &phdr);
	}
	module->is_elf = true;
	module->is_executable_type = header.e_type == ET_EXEC;
	module->entry = header.e_entry;
}
