/* SPDX-License-Identifier: MIT */
/*
 * symtab.c - choose one of the names that a file has for an address.
 *
 * A symbol with a size that covers the address beats one without, a function
 * beats an untyped label (assembly), the nearer start beats the farther. Of
 * several names for the same code the one a person would use wins: exported,
 * without leading underscore, long.
 */
#include "symbol/symtab.h"

#include <gelf.h>

enum symbol_rank { RANK_UNSIZED, RANK_LABEL, RANK_FUNCTION };

/* Labels that assemblers and compilers leave behind, no functions. */
static bool symbol_is_marker(const char *name)
{
	return !name[0] || name[0] == '.' || name[0] == '$';
}

/* The executable section @shndx of @elf as addresses; false if it is not. */
static bool symbol_section(Elf *elf, GElf_Word shndx, GElf_Shdr *out)
{
	Elf_Scn *section = elf ? elf_getscn(elf, shndx) : NULL;

	return section && gelf_getshdr(section, out) &&
	       (out->sh_flags & SHF_EXECINSTR);
}

static bool symbol_is_code(unsigned char type, GElf_Word shndx, Elf *elf,
			   GElf_Shdr *section)
{
	if (shndx == SHN_UNDEF || shndx == SHN_ABS)
		return false;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	if (symbol_section(elf, shndx, section))
		return true;
	*section = (GElf_Shdr){ 0 };
	return type != STT_NOTYPE; /* also files without section headers */
}

/* Made once: a large file's symbols are compared millions of times. */
static uint64_t symbol_oddness(const char *name, unsigned char bind)
{
	uint64_t oddness = UINT32_MAX - strcspn(name, "@");

	if (name[0] == '_')
		oddness |= (uint64_t)1 << 32;
	if (bind != STB_GLOBAL)
		oddness |= (uint64_t)1 << 33;
	return oddness;
}

static void symtab_add(struct symtab *symtab, Dwfl_Module *module, int i,
		       uint64_t bias)
{
	struct symtab_symbol *symbol;
	GElf_Shdr section;
	GElf_Addr addr;
	GElf_Word shndx;
	GElf_Sym sym;
	Elf *elf = NULL;
	const char *name = dwfl_module_getsym_info(module, i, &sym, &addr,
						   &shndx, &elf, NULL);

	if (!name || symbol_is_marker(name) ||
	    !symbol_is_code(GELF_ST_TYPE(sym.st_info), shndx, elf, &section))
		return;
	symbol = vec_push(&symtab->symbols);
	symbol->name = name;
	symbol->start = addr - bias;
	symbol->type = GELF_ST_TYPE(sym.st_info);
	symbol->bind = GELF_ST_BIND(sym.st_info);
	symbol->oddness = symbol_oddness(name, symbol->bind);
	symbol->is_sized = sym.st_size > 0;
	symbol->end = symbol->start + sym.st_size;
	/* Without a size it may reach to the end of its section. */
	if (!symbol->is_sized && section.sh_size &&
	    sym.st_value - section.sh_addr < section.sh_size)
		symbol->end = symbol->start + section.sh_size -
			      (sym.st_value - section.sh_addr);
}

static int compare_start(const void *a, const void *b)
{
	const struct symtab_symbol *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Symbols without a size end where the next one starts. */
static void symtab_set_ends(struct symtab *symtab)
{
	struct symtab_symbol *s = symtab->symbols.data;
	size_t n = symtab->symbols.n;
	uint64_t next = UINT64_MAX;

	for (size_t i = n; i-- > 0;) {
		if (i + 1 < n && s[i + 1].start > s[i].start)
			next = s[i + 1].start;
		if (!s[i].is_sized && s[i].end > next)
			s[i].end = next;
	}
}

/* Apart from where it lies. */
static int compare_name(const void *a, const void *b)
{
	const struct symtab_symbol *x = a, *y = b;
	int order;

	if (x->oddness != y->oddness)
		return x->oddness > y->oddness ? 1 : -1;
	order = strcmp(x->name, y->name);
	return order ? order : compare_start(a, b);
}

static uint32_t symbol_rank(const struct symtab_symbol *symbol)
{
	if (!symbol->is_sized)
		return RANK_UNSIZED;
	return symbol->type == STT_NOTYPE ? RANK_LABEL : RANK_FUNCTION;
}

void symtab_init(struct symtab *symtab, Dwfl_Module *module, uint64_t bias)
{
	struct vec *v = &symtab->symbols;
	int n = dwfl_module_getsymtab(module);

	*v = VEC_OF(struct symtab_symbol);
	range_index_init(&symtab->index);
	for (int i = 1; i < n; i++)
		symtab_add(symtab, module, i, bias);
	if (!v->n)
		return;
	qsort(v->data, v->n, v->elem_bytes, compare_start);
	symtab_set_ends(symtab);
	qsort(v->data, v->n, v->elem_bytes, compare_name);
	for (uint32_t i = 0; i < v->n; i++) {
		const struct symtab_symbol *s = vec_at(v, i);
		struct range range = { .start = s->start,
				       .end = s->end,
				       .rank = symbol_rank(s),
				       .value = i };

		range_index_add(&symtab->index, &range);
	}
	range_index_sort(&symtab->index);
}

void symtab_clear(struct symtab *symtab)
{
	vec_clear(&symtab->symbols);
	range_index_clear(&symtab->index);
}

const struct symtab_symbol *symtab_find(const struct symtab *symtab,
					uint64_t vaddr)
{
	const struct range *range = range_index_find(&symtab->index, vaddr);

	return range ? vec_at(&symtab->symbols, range->value) : NULL;
}

uint64_t symtab_gap_start(const struct symtab *symtab, uint64_t vaddr)
{
	uint64_t start = 0;

	for (size_t i = 0; i < symtab->symbols.n; i++) {
		const struct symtab_symbol *s = vec_at(&symtab->symbols, i);

		if (s->end <= vaddr && s->end > start)
			start = s->end;
	}
	return start;
}
