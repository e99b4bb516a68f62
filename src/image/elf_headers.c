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

static bool header_is_ours(const Elf64_Ehdr *header)
{
	return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_phentsize == sizeof(Elf64_Phdr);
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

void module_parse_headers(struct module *module)
{
	CLEANUP(free) Elf64_Phdr *phdrs = NULL;
	Elf64_Ehdr header;
	size_t bytes;

	if (module_read_offset(module, 0, &header, sizeof(header)) !=
		    (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG)) {
		module->fault = "not an ELF file";
		return;
	}
	if (!header_is_ours(&header)) {
		module->fault = "not a 64-bit little-endian program or library";
		return;
	}
	if (header.e_phnum == 0 || header.e_phnum > PROGRAM_HEADERS_MAX) {
		module->fault = "no usable program headers";
		return;
	}
	bytes = header.e_phnum * sizeof(*phdrs);
	phdrs = xmalloc(bytes);
	if (module_read_offset(module, header.e_phoff, phdrs, bytes) !=
	    (ssize_t)bytes) {
		module->fault = "program headers are cut off";
		return;
	}
	module->segments = xcalloc(header.e_phnum, sizeof(*module->segments));
	for (size_t i = 0; i < header.e_phnum; i++)
		module_add_program_header(module, &phdrs[i]);
	module->is_elf = true;
	module->is_executable_type = header.e_type == ET_EXEC;
	module->entry = header.e_entry;
}
