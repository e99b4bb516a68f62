/* SPDX-License-Identifier: MIT */
/*
 * test_reach.c - the functions of a static program by its symbols, and the
 * ways between them; also where a file says more than any program does.
 */
#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "heap/reach.h"
#include "image/elf_headers.h"
#include "util/mem.h"

#define N_MANY 400000 /* names of one place */
#define CODE_AT 0x1000
#define CODE_BYTES 65535 /* in calls of five bytes */
#define CPU_S_MAX 10 /* it takes 0.1; without the bounds hours */

struct made {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[3];
	char strings[32];
};
static_assert(sizeof(struct made) <= CODE_AT, "code comes next");

/* @n symbols are behind the code; @code is said again and again. */
static void make_module(struct module *module, const Elf64_Sym *symbols,
			size_t n, const uint8_t *code, size_t n_code)
{
	size_t symbols_at = CODE_AT + CODE_BYTES;
	size_t n_bytes = symbols_at + n * sizeof(*symbols);
	struct made *made = xcalloc(1, n_bytes);
	Elf64_Ehdr *header = &made->header;

	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_type = ET_DYN;
	header->e_machine = EM_X86_64;
	header->e_phoff = offsetof(struct made, segment);
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 1;
	header->e_shoff = offsetof(struct made, sections);
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = ARRAY_SIZE(made->sections);
	header->e_shstrndx = 2;
	made->segment = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_filesz = n_bytes,
				      .p_memsz = n_bytes };
	memcpy(made->strings + 1, ".symtab\0malloc", 15);
	made->sections[1] = (Elf64_Shdr){
		.sh_name = 1, .sh_type = SHT_SYMTAB, .sh_link = 2,
		.sh_offset = symbols_at, .sh_size = n * sizeof(*symbols),
	};
	made->sections[2] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct made, strings),
		.sh_size = sizeof(made->strings),
	};
	for (size_t i = 0; i + n_code <= CODE_BYTES; i += n_code)
		memcpy((uint8_t *)made + CODE_AT + i, code, n_code);
	memcpy((uint8_t *)made + symbols_at, symbols, n * sizeof(*symbols));
	*module = (struct module){ .fd = -1, .image = (uint8_t *)made,
				   .image_bytes = n_bytes };
	module_parse_headers(module);
}

static void clear_module(struct module *module)
{
	free(module->image);
	free(module->segments);
}

static Elf64_Sym symbol_at(uint64_t vaddr, uint64_t bytes, int bind, int type)
{
	return (Elf64_Sym){ .st_name = 9, .st_shndx = 1, .st_value = vaddr,
			    .st_size = bytes,
			    .st_info = ELF64_ST_INFO(bind, type) };
}

static const uint8_t call_next[] = { 0xe8, 0, 0, 0, 0 };

TEST(of_one_place_what_is_least_local_comes_first)
{
	const Elf64_Sym made[] = {
		symbol_at(0x1000, 5, STB_LOCAL, STT_FUNC),
		symbol_at(0x1010, 5, STB_LOCAL, STT_FUNC),
		symbol_at(0x1000, 9, STB_WEAK, STT_FUNC),
		symbol_at(0x1010, 9, STB_LOCAL, STT_GNU_IFUNC),
		symbol_at(0x1000, 7, STB_LOCAL, STT_FUNC),
	};
	const struct elf_symbol *found;
	struct elf_symbols symbols;
	struct module module;
	size_t n = 0;

	make_module(&module, made, ARRAY_SIZE(made), call_next,
		    sizeof(call_next));
	CHECK(elf_symbols_read(&symbols, &module));
	CHECK(!elf_symbols_find(&symbols, 0xfff, &n));
	found = elf_symbols_find(&symbols, 0x100f, &n);
	CHECK(found && n == 3 && found->bind == STB_WEAK);
	CHECK(found && !strcmp(elf_symbols_name(&symbols, found), "malloc"));
	found = elf_symbols_find(&symbols, UINT64_MAX, &n);
	CHECK(found && n == 2 && found->type == STT_GNU_IFUNC);
	elf_symbols_clear(&symbols);
	clear_module(&module);
}

/* As many local names as there is room for, at each target of a call. */
TEST(a_place_with_a_crowd_of_names_holds_nothing_up)
{
	Elf64_Sym *made = xcalloc(N_MANY + 1, sizeof(*made));
	struct elf_symbols symbols;
	struct reach reach;
	struct module module;
	clock_t start = clock();
	size_t n = 0;

	made[0] = symbol_at(CODE_AT, CODE_BYTES - 5, STB_GLOBAL, STT_FUNC);
	for (size_t i = 1; i <= N_MANY; i++)
		made[i] = symbol_at(CODE_AT + CODE_BYTES - 5, 5,
				    i == N_MANY / 2 ? STB_GLOBAL : STB_LOCAL,
				    STT_FUNC);
	/* Each leads there, or behind itself. */
	make_module(&module, made, N_MANY + 1, call_next, sizeof(call_next));
	for (size_t i = 0; i + 10 < CODE_BYTES; i += 5) {
		int32_t distance = (int32_t)(CODE_BYTES - 5 - (i + 5));

		memcpy(module.image + CODE_AT + i + 1, &distance, 4);
	}
	CHECK(elf_symbols_read(&symbols, &module));
	for (size_t i = 0; i < N_MANY; i++)
		elf_symbols_find(&symbols, CODE_AT + CODE_BYTES - 1, &n);
	CHECK_EQ(n, N_MANY);
	reach_init(&reach, &module, &symbols, 5);
	reach_add_root(&reach, CODE_AT, 0);
	CHECK(!reach_read(&reach, CODE_AT));
	CHECK(reach.n_calls > CODE_BYTES / 5 - 10);
	CHECK((clock() - start) / CLOCKS_PER_SEC < CPU_S_MAX);
	reach_clear(&reach);
	elf_symbols_clear(&symbols);
	clear_module(&module);
	free(made);
}

/* Nothing but calls of the second root: all would be written at once. */
TEST(too_many_ways_are_refused)
{
	const Elf64_Sym made[] = {
		symbol_at(0x1000, CODE_BYTES - 16, STB_GLOBAL, STT_FUNC),
		symbol_at(0x1000 + CODE_BYTES - 16, 16, STB_GLOBAL, STT_FUNC),
	};
	struct elf_symbols symbols;
	struct reach reach;
	struct module module;
	const char *fault;

	make_module(&module, made, ARRAY_SIZE(made), call_next,
		    sizeof(call_next));
	for (size_t i = 5; i + 16 < CODE_BYTES; i += 5) {
		int32_t distance = (int32_t)(CODE_BYTES - 16 - (i + 5));

		memcpy(module.image + CODE_AT + i + 1, &distance, 4);
	}
	CHECK(elf_symbols_read(&symbols, &module));
	reach_init(&reach, &module, &symbols, 5);
	reach_add_root(&reach, 0x1000, 0);
	reach_add_root(&reach, 0x1000 + CODE_BYTES - 16, 1);
	fault = reach_read(&reach, 0x1000);
	CHECK_STR(fault ? fault : "", "leads to too many others");
	reach_clear(&reach);
	elf_symbols_clear(&symbols);
	clear_module(&module);
}

TEST_MAIN()
