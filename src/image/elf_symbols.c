/* SPDX-License-Identifier: MIT */
/* elf_symbols.c - the functions that .symtab of an ELF file names. */
#include "image/elf_symbols.h"

#include <elf.h>
#include <stdlib.h>

#include "image/elf_headers.h"
#include "image/elf_sections.h"
#include "util/mem.h"

#define SYMBOLS_MAX (4u << 20)
#define NAMES_BYTES_MAX (256u << 20)
#define UNSIZED_MAX (UINT64_C(1) << 16) /* a function without a size */

static int compare(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	if (x->bind != y->bind)
		return x->bind > y->bind ? -1 : 1; /* STB_LOCAL is 0 */
	return (x->type < y->type) - (x->type > y->type);
}

static bool read_names(struct elf_symbols *symbols,
		       const struct module *module,
		       const struct section *section)
{
	ssize_t n;

	if (!section || !section->n_bytes ||
	    section->n_bytes > NAMES_BYTES_MAX)
		return false;
	symbols->names = xmalloc(section->n_bytes);
	n = module_read_offset(module, section->offset, symbols->names,
			       section->n_bytes);
	if (n <= 0)
		return false;
	symbols->n_names = (size_t)n;
	symbols->names[n - 1] = '\0';
	return true;
}

static bool read_list(struct elf_symbols *symbols,
		      const struct module *module,
		      const struct section *section)
{
	CLEANUP(free) Elf64_Sym *list = NULL;
	size_t n = section->n_bytes / sizeof(*list);
	ssize_t got;

	if (!n || n > SYMBOLS_MAX)
		return false;
	list = xmalloc(n * sizeof(*list));
	got = module_read_offset(module, section->offset, list,
				 n * sizeof(*list));
	n = got > 0 ? (size_t)got / sizeof(*list) : 0;
	for (size_t i = 0; i < n; i++) {
		int type = ELF64_ST_TYPE(list[i].st_info);
		struct elf_symbol *symbol;

		if ((type != STT_FUNC && type != STT_GNU_IFUNC) ||
		    list[i].st_shndx == SHN_UNDEF || !list[i].st_value)
			continue;
		symbol = vec_push(&symbols->list);
		*symbol = (struct elf_symbol){
			.vaddr = list[i].st_value,
			.bytes = list[i].st_size,
			.name = list[i].st_name,
			.type = (uint8_t)type,
			.bind = ELF64_ST_BIND(list[i].st_info),
		};
	}
	return symbols->list.n > 0;
}

bool elf_symbols_read(struct elf_symbols *symbols, const struct module *module)
{
	struct sections sections = { { 0 } };
	const struct section *table;
	bool is_read = false;

	*symbols = (struct elf_symbols){ .list = VEC_OF(struct elf_symbol) };
	sections_init(&sections, module);
	table = sections_find(&sections, ".symtab");
	if (table)
		is_read = read_names(symbols, module,
				     sections_get(&sections, table->link)) &&
			  read_list(symbols, module, table);
	sections_clear(&sections);
	if (is_read)
		qsort(symbols->list.data, symbols->list.n,
		      sizeof(struct elf_symbol), compare);
	return is_read;
}

void elf_symbols_clear(struct elf_symbols *symbols)
{
	vec_clear(&symbols->list);
	free(symbols->names);
	symbols->names = NULL;
}

const char *elf_symbols_name(const struct elf_symbols *symbols,
			     const struct elf_symbol *symbol)
{
	return symbol->name < symbols->n_names ? symbols->names + symbol->name
					       : "";
}

const struct elf_symbol *elf_symbols_find(const struct elf_symbols *symbols,
					  uint64_t vaddr, size_t *out_n)
{
	size_t end = vec_count_up_to(&symbols->list, vaddr), start;
	const struct elf_symbol *list = symbols->list.data;

	if (!end)
		return NULL;
	start = vec_count_up_to(&symbols->list, list[end - 1].vaddr - 1);
	*out_n = end - start;
	return &list[start];
}

uint64_t elf_symbols_end(const struct elf_symbols *symbols,
			 const struct elf_symbol *symbol)
{
	size_t next = vec_count_up_to(&symbols->list, symbol->vaddr);
	uint64_t limit = symbol->vaddr + UNSIZED_MAX;
	const struct elf_symbol *behind;

	if (symbol->bytes && symbol->bytes <= UINT64_MAX - symbol->vaddr)
		return symbol->vaddr + symbol->bytes;
	if (next == symbols->list.n)
		return limit;
	behind = vec_at(&symbols->list, next);
	return behind->vaddr < limit ? behind->vaddr : limit;
}
