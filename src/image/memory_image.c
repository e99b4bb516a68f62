/* SPDX-License-Identifier: MIT */
/*
 * memory_image.c - put a file together again from where it is mapped.
 *
 * Sections are lost: their table is behind the last segment. The dynamic
 * segment leads to the exported symbols, but glibc writes addresses over its
 * pointers (elf/get-dynamic-info.h there), which is undone here.
 */
#include "image/memory_image.h"

#include <elf.h>
#include <string.h>

#include "image/elf_headers.h"
#include "image/maps.h"
#include "image/space.h"
#include "util/mem.h"

#define IMAGE_MAX_BYTES ((uint64_t)128 << 20)
#define DYNAMIC_MAX 4096 /* entries */

/* Is @line a mapping of the same file as @mapping? */
static bool is_same_file(const struct maps_line *line,
			 const struct mapping *mapping)
{
	return line->inode == mapping->inode &&
	       line->dev_major == mapping->dev_major &&
	       line->dev_minor == mapping->dev_minor;
}

/* How long the file must be, and where its start is mapped; false if not. */
static bool measure(const char *text, size_t len,
		    const struct mapping *mapping, uint64_t *out_bytes,
		    taddr *out_start)
{
	const char *cursor = text;
	struct maps_line line;
	bool has_start = false;

	*out_bytes = 0;
	while (maps_next_line(&cursor, text + len, &line)) {
		uint64_t end;

		if (!is_same_file(&line, mapping))
			continue;
		if (__builtin_add_overflow(line.offset, line.end - line.start,
					   &end) || end > IMAGE_MAX_BYTES)
			return false;
		if (end > *out_bytes)
			*out_bytes = end;
		if (!line.offset && !has_start) {
			*out_start = line.start;
			has_start = true;
		}
	}
	return has_start;
}

static bool is_elf_at(taddr addr, const struct image_source *source)
{
	char magic[SELFMAG];

	return source->read_memory(source->ctx, addr, magic, SELFMAG) ==
		       SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
}

/* Read-only parts go last: what is mapped twice shall be as in the file. */
static void read_parts(struct module *module, const char *text, size_t len,
		       const struct mapping *mapping,
		       const struct image_source *source)
{
	for (int pass = 0; pass < 2; pass++) {
		const char *cursor = text;
		struct maps_line line;

		while (maps_next_line(&cursor, text + len, &line)) {
			uint64_t bytes = line.end - line.start;

			if (!is_same_file(&line, mapping) ||
			    !line.is_readable ||
			    line.is_writable != (pass == 0) ||
			    line.offset > module->image_bytes ||
			    bytes > module->image_bytes - line.offset)
				continue;
			source->read_memory(source->ctx, line.start,
					    module->image + line.offset,
					    bytes);
		}
	}
}

/* Dynamic entries that hold addresses and that readers of symbols follow. */
static bool is_address(int64_t tag)
{
	switch (tag) {
	case DT_HASH:
	case DT_STRTAB:
	case DT_SYMTAB:
	case DT_GNU_HASH:
	case DT_VERSYM:
	case DT_VERDEF:
	case DT_VERNEED:
	case DT_RELA:
	case DT_JMPREL:
	case DT_PLTGOT:
		return true;
	default:
		return false;
	}
}

/* Undo what was added to the pointers of the dynamic segment at @offset. */
static void restore_dynamic(struct module *module, uint64_t offset,
			    uint64_t bytes, taddr bias)
{
	if (!bias || offset > module->image_bytes ||
	    bytes > module->image_bytes - offset)
		return;
	for (uint64_t i = 0; i < bytes / sizeof(Elf64_Dyn); i++) {
		uint8_t *at = module->image + offset + i * sizeof(Elf64_Dyn);
		Elf64_Dyn entry;

		memcpy(&entry, at, sizeof(entry));
		if (entry.d_tag == DT_NULL || i == DYNAMIC_MAX)
			return;
		if (!is_address(entry.d_tag) || entry.d_un.d_ptr < bias)
			continue;
		entry.d_un.d_ptr -= bias;
		memcpy(at, &entry, sizeof(entry));
	}
}

static void restore(struct module *module, taddr start)
{
	Elf64_Ehdr *header = (void *)module->image;
	uint64_t first_vaddr = 0;
	taddr bias;

	module_vaddr_of_offset(module, 0, &first_vaddr);
	bias = start - first_vaddr;
	for (uint64_t i = 0; i < header->e_phnum; i++) {
		uint64_t at = header->e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr phdr;

		if (module_read_offset(module, at, &phdr, sizeof(phdr)) !=
		    (ssize_t)sizeof(phdr))
			return;
		if (phdr.p_type == PT_DYNAMIC)
			restore_dynamic(module, phdr.p_offset, phdr.p_filesz,
					bias);
	}
	header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
}

bool memory_image_read(struct module *module, const struct mapping *mapping,
		       const struct image_source *source)
{
	CLEANUP(free) char *text = NULL;
	uint64_t bytes;
	taddr start = 0;
	size_t len;

	if (!source->read_maps || !source->read_memory)
		return false;
	text = source->read_maps(source->ctx, &len);
	if (!text || !measure(text, len, mapping, &bytes, &start) ||
	    bytes < sizeof(Elf64_Ehdr) || !is_elf_at(start, source))
		return false;
	module->image = xcalloc(1, bytes);
	module->image_bytes = bytes;
	read_parts(module, text, len, mapping, source);
	module_parse_headers(module);
	if (module->is_elf)
		restore(module, start);
	return module->is_elf;
}
