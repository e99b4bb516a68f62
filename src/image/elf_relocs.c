/* SPDX-License-Identifier: MIT */
/* elf_relocs.c - what the dynamic linker would write into a file's data. */
#include "image/elf_relocs.h"

#include <elf.h>
#include <string.h>

#include "image/elf_headers.h"
#include "util/mem.h"

#define DYNAMIC_ENTRIES_MAX 1024
#define RELOCS_PER_READ 1024
/* 24 bytes each: a program of 500 MB has some millions. */
#define RELOCS_MAX (32u << 20)

struct reloc_table {
	uint64_t vaddr, n;
};

static bool find_dynamic(const struct module *module, Elf64_Phdr *out)
{
	Elf64_Ehdr file;

	if (module_read_offset(module, 0, &file, sizeof(file)) !=
	    (ssize_t)sizeof(file))
		return false;
	for (size_t i = 0; i < file.e_phnum; i++)
		if (module_read_offset(module,
				       file.e_phoff + i * sizeof(*out), out,
				       sizeof(*out)) ==
			    (ssize_t)sizeof(*out) &&
		    out->p_type == PT_DYNAMIC)
			return true;
	return false;
}

/* Where DT_RELA says that the relocations are (gABI, Dynamic Section). */
static struct reloc_table find_relocs(const struct module *module)
{
	struct reloc_table table = { 0, 0 };
	Elf64_Phdr dynamic;

	if (!module->is_elf || module->is_32_bit ||
	    !find_dynamic(module, &dynamic))
		return table;
	for (size_t i = 0; i < DYNAMIC_ENTRIES_MAX; i++) {
		Elf64_Dyn entry;

		if (module_read(module, dynamic.p_vaddr + i * sizeof(entry),
				&entry, sizeof(entry)) !=
			    (ssize_t)sizeof(entry) ||
		    entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_RELA)
			table.vaddr = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_RELASZ)
			table.n = entry.d_un.d_val / sizeof(Elf64_Rela);
	}
	if (!table.vaddr || table.n > RELOCS_MAX)
		table.n = 0;
	return table;
}

typedef bool (*reloc_fn)(void *ctx, const Elf64_Rela *reloc);

static bool each_reloc(const struct module *module, reloc_fn fn, void *ctx)
{
	CLEANUP(free) Elf64_Rela *relocs = NULL;
	struct reloc_table table = find_relocs(module);

	if (table.n == 0)
		return false;
	relocs = xcalloc(RELOCS_PER_READ, sizeof(*relocs));
	for (uint64_t i = 0; i < table.n; i += RELOCS_PER_READ) {
		uint64_t want = table.n - i;
		ssize_t got;
		size_t n;

		if (want > RELOCS_PER_READ)
			want = RELOCS_PER_READ;
		got = module_read(module, table.vaddr + i * sizeof(*relocs),
				  relocs, want * sizeof(*relocs));
		n = got > 0 ? (size_t)got / sizeof(*relocs) : 0;
		for (size_t k = 0; k < n; k++)
			if (ELF64_R_TYPE(relocs[k].r_info) ==
				    R_X86_64_RELATIVE &&
			    fn(ctx, &relocs[k]))
				return true;
		if (n < want)
			break;
	}
	return false;
}

struct patch {
	uint64_t vaddr;
	uint8_t *bytes;
	size_t n;
};

static bool patch_apply(void *ctx, const Elf64_Rela *reloc)
{
	struct patch *patch = ctx;
	uint64_t at = reloc->r_offset - patch->vaddr;

	if (at < patch->n && patch->n - at >= sizeof(reloc->r_addend))
		memcpy(patch->bytes + at, &reloc->r_addend,
		       sizeof(reloc->r_addend));
	return false;
}

void module_relocate(const struct module *module, uint64_t vaddr,
		     uint8_t *bytes, size_t n)
{
	struct patch patch = { vaddr, bytes, n };

	each_reloc(module, patch_apply, &patch);
}

struct visit {
	reloc_visit_fn fn;
	void *ctx;
};

static bool visit_addend(void *ctx, const Elf64_Rela *reloc)
{
	struct visit *visit = ctx;

	return visit->fn(visit->ctx, (uint64_t)reloc->r_addend);
}

bool module_each_reloc(const struct module *module, reloc_visit_fn visit,
		       void *ctx)
{
	struct visit with = { visit, ctx };

	return each_reloc(module, visit_addend, &with);
}

struct search {
	uint64_t target;
	reloc_visit_fn visit;
	void *ctx;
};

static bool search_visit(void *ctx, const Elf64_Rela *reloc)
{
	struct search *search = ctx;

	return (uint64_t)reloc->r_addend == search->target &&
	       search->visit(search->ctx, reloc->r_offset);
}

bool module_find_relocs_to(const struct module *module, uint64_t target,
			   reloc_visit_fn visit, void *ctx)
{
	struct search search = { target, visit, ctx };

	return each_reloc(module, search_visit, &search);
}
