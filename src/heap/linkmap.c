/* SPDX-License-Identifier: MIT */
/* linkmap.c - the modules of a process as its dynamic linker lists them. */
#include "heap/linkmap.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "target/memfile.h"

#define PHDRS_MAX 128
#define DYNAMIC_MAX 256

static bool read_all(int mem_fd, taddr addr, void *buf, size_t len)
{
	return addr && memfile_read(mem_fd, addr, buf, len) == len;
}

/* The entries of a dynamic segment up to DT_NULL; their number. */
static size_t read_dynamic(int mem_fd, taddr addr, Elf64_Dyn *out)
{
	size_t n = memfile_read(mem_fd, addr, out,
				DYNAMIC_MAX * sizeof(*out)) / sizeof(*out);

	for (size_t i = 0; i < n; i++)
		if (out[i].d_tag == DT_NULL)
			return i;
	return n;
}

bool link_is_dynamic(int mem_fd, taddr phdr, uint64_t n_phdrs)
{
	Elf64_Phdr headers[PHDRS_MAX];

	if (!n_phdrs || n_phdrs > PHDRS_MAX ||
	    !read_all(mem_fd, phdr, headers, n_phdrs * sizeof(*headers)))
		return false;
	for (size_t i = 0; i < n_phdrs; i++)
		if (headers[i].p_type == PT_INTERP)
			return true;
	return false;
}

taddr link_find_debug(int mem_fd, taddr phdr, uint64_t n_phdrs)
{
	Elf64_Phdr headers[PHDRS_MAX];
	Elf64_Dyn dynamic[DYNAMIC_MAX];
	taddr bias = 0, at = 0;
	size_t n;

	if (!n_phdrs || n_phdrs > PHDRS_MAX ||
	    !read_all(mem_fd, phdr, headers, n_phdrs * sizeof(*headers)))
		return 0;
	for (size_t i = 0; i < n_phdrs; i++) {
		if (headers[i].p_type == PT_PHDR)
			bias = phdr - headers[i].p_vaddr;
		if (headers[i].p_type == PT_DYNAMIC)
			at = headers[i].p_vaddr;
	}
	n = at ? read_dynamic(mem_fd, bias + at, dynamic) : 0;
	for (size_t i = 0; i < n; i++)
		if (dynamic[i].d_tag == DT_DEBUG)
			return dynamic[i].d_un.d_ptr;
	return 0;
}

bool link_is_consistent(int mem_fd, taddr debug)
{
	struct r_debug r;

	return read_all(mem_fd, debug, &r, sizeof(r)) && r.r_map &&
	       r.r_state == RT_CONSISTENT;
}

/* glibc adds the bias to these pointers, musl and the vdso do not. */
static taddr pointer(const struct link_module *module, const Elf64_Dyn *entry)
{
	taddr value = entry->d_un.d_ptr;

	return value < module->bias ? value + module->bias : value;
}

static void read_table(int mem_fd, struct link_module *module)
{
	struct link_table *table = &module->table;
	Elf64_Dyn dynamic[DYNAMIC_MAX];
	size_t n = read_dynamic(mem_fd, module->dynamic, dynamic);

	for (size_t i = 0; i < n; i++) {
		const Elf64_Dyn *entry = &dynamic[i];

		if (entry->d_tag == DT_SYMTAB)
			table->symbols = pointer(module, entry);
		else if (entry->d_tag == DT_STRTAB)
			table->strings = pointer(module, entry);
		else if (entry->d_tag == DT_RELA)
			table->relocs = pointer(module, entry);
		else if (entry->d_tag == DT_JMPREL)
			table->plt_relocs = pointer(module, entry);
		else if (entry->d_tag == DT_STRSZ)
			table->string_bytes = entry->d_un.d_val;
		else if (entry->d_tag == DT_RELASZ)
			table->reloc_bytes = entry->d_un.d_val;
		else if (entry->d_tag == DT_PLTRELSZ)
			table->plt_bytes = entry->d_un.d_val;
	}
}

static void add_module(int mem_fd, const struct link_map *map,
		       struct vec *out)
{
	struct link_module *module = vec_push(out);
	size_t n;

	module->bias = map->l_addr;
	module->dynamic = (taddr)map->l_ld;
	n = memfile_read(mem_fd, (taddr)map->l_name, module->name,
			 sizeof(module->name) - 1);
	module->name[n] = '\0';
	read_table(mem_fd, module);
}

bool link_list(int mem_fd, taddr debug, struct vec *out)
{
	struct r_debug r;
	struct link_map map;
	taddr at;

	out->n = 0;
	if (!read_all(mem_fd, debug, &r, sizeof(r)))
		return false;
	at = (taddr)r.r_map;
	while (at && out->n < LINK_MODULES_MAX) {
		if (!read_all(mem_fd, at, &map, sizeof(map)))
			return false;
		add_module(mem_fd, &map, out);
		at = (taddr)map.l_next;
	}
	return !at;
}

bool link_is_listed(int mem_fd, taddr debug, const struct vec *modules)
{
	struct r_debug r;
	struct link_map map;
	taddr at;

	if (!read_all(mem_fd, debug, &r, sizeof(r)))
		return true; /* gone, so nothing is new */
	at = (taddr)r.r_map;
	for (size_t i = 0; i < modules->n; i++) {
		const struct link_module *module = vec_at(modules, i);

		if (!read_all(mem_fd, at, &map, sizeof(map)) ||
		    module->bias != map.l_addr ||
		    module->dynamic != (taddr)map.l_ld)
			return false;
		at = (taddr)map.l_next;
	}
	return !at;
}
