/* SPDX-License-Identifier: MIT */
/* elf_sections.c - the section headers of an ELF file, by name and type. */
#include "image/elf_sections.h"

#include <elf.h>
#include <string.h>

#include "util/mem.h"
#include "image/elf_headers.h"

/* Object files have thousands; programs and libraries some forty. */
#define SECTIONS_MAX 4096u
#define NAMES_BYTES_MAX (256 * 1024u)

static void section_name(struct section *section, const char *names, size_t n,
			 uint32_t at)
{
	size_t len;

	if (at >= n)
		return;
	len = strnlen(names + at, n - at);
	if (len > sizeof(section->name) - 1)
		len = sizeof(section->name) - 1;
	memcpy(section->name, names + at, len);
}

/* The bytes of the section that names the others; *out_len may be 0. */
static char *read_names(const struct module *module, const Elf64_Shdr *header,
			size_t *out_len)
{
	char *names;
	ssize_t n;

	*out_len = 0;
	if (header->sh_type == SHT_NOBITS || header->sh_size == 0 ||
	    header->sh_size > NAMES_BYTES_MAX)
		return NULL;
	names = xmalloc(header->sh_size);
	n = module_read_offset(module, header->sh_offset, names,
			       header->sh_size);
	if (n > 0)
		*out_len = (size_t)n;
	return names;
}

static void add_sections(struct sections *sections,
			 const struct module *module,
			 const Elf64_Shdr *headers, const Elf64_Ehdr *file)
{
	CLEANUP(free) char *names = NULL;
	size_t n_names = 0;

	if (file->e_shstrndx < file->e_shnum)
		names = read_names(module, &headers[file->e_shstrndx],
				   &n_names);
	for (size_t i = 0; i < file->e_shnum; i++) {
		const Elf64_Shdr *header = &headers[i];
		struct section *section = vec_push(&sections->list);

		section->type = header->sh_type;
		section->link = header->sh_link;
		section->flags = header->sh_flags;
		section->vaddr = header->sh_addr;
		section->offset = header->sh_offset;
		section->n_bytes = header->sh_size;
		section->entry_bytes = header->sh_entsize;
		section_name(section, names, n_names, header->sh_name);
	}
}

void sections_init(struct sections *sections, const struct module *module)
{
	CLEANUP(free) Elf64_Shdr *headers = NULL;
	Elf64_Ehdr file;
	size_t bytes;

	sections->list = VEC_OF(struct section);
	if (!module->is_elf || module->is_32_bit ||
	    module_read_offset(module, 0, &file, sizeof(file)) !=
		    (ssize_t)sizeof(file) ||
	    file.e_shnum == 0 || file.e_shnum > SECTIONS_MAX ||
	    file.e_shentsize != sizeof(*headers))
		return;
	bytes = file.e_shnum * sizeof(*headers);
	headers = xmalloc(bytes);
	if (module_read_offset(module, file.e_shoff, headers, bytes) ==
	    (ssize_t)bytes)
		add_sections(sections, module, headers, &file);
}

void sections_clear(struct sections *sections)
{
	vec_clear(&sections->list);
}

const struct section *sections_get(const struct sections *sections, size_t i)
{
	return i < sections->list.n ? vec_at(&sections->list, i) : NULL;
}

const struct section *sections_find(const struct sections *sections,
				    const char *name)
{
	for (size_t i = 0; i < sections->list.n; i++) {
		const struct section *section = vec_at(&sections->list, i);

		if (section->type != SHT_NOBITS &&
		    !strcmp(section->name, name))
			return section;
	}
	return NULL;
}
