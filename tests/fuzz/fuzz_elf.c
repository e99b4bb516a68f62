/* SPDX-License-Identifier: MIT */
/*
 * fuzz_elf.c - any file as a mapped program: our own readers of headers,
 * sections, relocations, symbols, functions, prologues and Go's tables.
 */
#include "fuzz.h"
#include "heap/go_vars.h"
#include "image/elf_headers.h"
#include "image/elf_relocs.h"
#include "image/elf_sections.h"
#include "image/elf_symbols.h"
#include "image/functions.h"
#include "see_go.h"
#include "unwind/prologue.h"

static bool see_reloc(void *ctx, uint64_t vaddr)
{
	return *(uint64_t *)ctx == vaddr;
}

static void run_vaddr(struct functions *functions, struct gopclntab *table,
		      const struct module *module, uint64_t vaddr)
{
	struct row_saves saves;
	struct row row;
	uint64_t start, end;

	if (functions_find(functions, module, vaddr, &start, &end) &&
	    (vaddr < start || vaddr >= end))
		abort();
	functions_find_start(functions, module, vaddr, &start);
	prologue_find_row(functions, module, vaddr, &row, &saves);
	if (table)
		see_go(table, module, vaddr);
}

static void run_symbols(const struct module *module, uint64_t asked)
{
	const struct elf_symbol *found;
	struct elf_symbols symbols;
	size_t n;

	if (elf_symbols_read(&symbols, module)) {
		found = elf_symbols_find(&symbols, asked, &n);
		for (size_t i = 0; found && i < n; i++) {
			if (found[i].vaddr != found->vaddr ||
			    found[i].vaddr > asked)
				abort();
			elf_symbols_end(&symbols, &found[i]);
			if (strlen(elf_symbols_name(&symbols, &found[i])) >
			    symbols.n_names)
				abort();
		}
	}
	elf_symbols_clear(&symbols);
}

static void run_module(const struct module *module, uint64_t asked)
{
	struct gopclntab *table = gopclntab_open(module);
	struct functions functions = { .is_made = false };
	struct sections sections;
	struct go_vars vars;
	uint8_t code[256];

	sections_init(&sections, module);
	sections_find(&sections, ".text");
	sections_clear(&sections);
	run_symbols(module, asked);
	module_each_reloc(module, see_reloc, &asked);
	module_relocate(module, asked, code, sizeof(code));
	run_vaddr(&functions, table, module, module->entry);
	run_vaddr(&functions, table, module, asked);
	for (size_t i = 0; i < module->n_segments && i < 4; i++)
		for (uint64_t at = 0; at < 64; at += 13)
			run_vaddr(&functions, table, module,
				  module->segments[i].vaddr + at);
	if (table)
		error_free(go_vars_find(module, table, &vars));
	functions_clear(&functions);
	gopclntab_close(table);
}

/*
 * The last eight bytes are an address that is asked for. Files of 32 bits are
 * taken, too, as when the addresses of a profile are named.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module module = { .fd = -1, .is_32_bit = true };
	char hex[2 * BUILD_ID_MAX + 1];
	uint64_t asked = 0, vaddr;

	if (size < sizeof(asked))
		return 0;
	size -= sizeof(asked);
	memcpy(&asked, data + size, sizeof(asked));
	module.image = xmalloc(size + 1);
	module.image_bytes = size;
	memcpy(module.image, data, size);
	module_parse_headers(&module);
	module_build_id_text(&module, hex);
	module_vaddr_of_offset(&module, asked, &vaddr);
	if (module.is_elf)
		run_module(&module, asked);
	free(module.image);
	free(module.segments);
	return 0;
}
