/* SPDX-License-Identifier: MIT */
/* test_functions.c - starts of functions, from files made by hand. */
#include "check.h"
#include "image/elf_relocs.h"
#include "image/functions.h"
#include "made_file.h"

#define CODE_AT 0x2000
#define CODE_BYTES 0x1000
#define SYMBOLS_AT 0x1000
#define TABLE_AT 0x1800 /* .eh_frame_hdr */
#define DYNAMIC_AT 0x1a00
#define RELOCS_AT 0x1b00
#define PARTIAL_BYTES ((16u << 20) + 4096) /* more than is read as a whole */

/* Headers, and code that is all "nop". */
static struct made file_with_code(uint16_t type, size_t code_bytes)
{
	struct made made = made_new(CODE_AT + code_bytes, type);

	made_add_segment(&made, PT_LOAD, PF_R, 0, CODE_AT);
	made_add_segment(&made, PT_LOAD, PF_R | PF_X, CODE_AT, code_bytes);
	memset(made.bytes + CODE_AT, 0x90, code_bytes);
	return made;
}

static void add_symbols(struct made *made, const char *section,
			const Elf64_Sym *symbols, size_t n)
{
	size_t i = made_add_section(made, section, SHT_SYMTAB, SYMBOLS_AT,
				    n * sizeof(*symbols));

	made_sections(made)[i].sh_entsize = sizeof(*symbols);
	made_put(made, SYMBOLS_AT, symbols, n * sizeof(*symbols));
}

#define FUNCTION(at) { .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),	\
		       .st_shndx = 2, .st_value = (at) }

/* The start of what holds @vaddr, 0: none. */
static uint64_t start_of(struct functions *functions,
			 const struct module *module, uint64_t vaddr)
{
	uint64_t start, end;

	return functions_find(functions, module, vaddr, &start, &end) ? start
								      : 0;
}

static uint64_t name_start(struct functions *functions,
			   const struct module *module, uint64_t vaddr)
{
	uint64_t start;

	return functions_find_start(functions, module, vaddr, &start) ? start
								      : 0;
}

TEST(functions_are_the_defined_ones_of_a_symbol_table)
{
	Elf64_Sym symbols[] = {
		{ 0 }, FUNCTION(CODE_AT + 0x40), FUNCTION(CODE_AT + 0x100),
		{ .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
		  .st_shndx = 2, .st_value = CODE_AT + 0x50 },
		{ .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		  .st_value = CODE_AT + 0x60 }, /* undefined */
		FUNCTION(0x10), /* not in code */
	};
	struct made made = file_with_code(ET_DYN, CODE_BYTES);
	struct functions functions = { 0 };
	struct module module;
	uint64_t start, end;

	add_symbols(&made, ".symtab", symbols, ARRAY_SIZE(symbols));
	module = made_module(&made);
	CHECK(functions_find(&functions, &module, CODE_AT + 0xff, &start,
			     &end));
	CHECK_EQ(start, CODE_AT + 0x40);
	CHECK_EQ(end, CODE_AT + 0x100);
	CHECK(functions_find(&functions, &module, CODE_AT + 0xfff, &start,
			     &end));
	CHECK_EQ(end, CODE_AT + CODE_BYTES);
	CHECK_EQ(start_of(&functions, &module, CODE_AT + 0x3f), 0);
	CHECK_EQ(start_of(&functions, &module, 0x10), 0);
	/* Its symbols are all there, so what has none has no name. */
	CHECK_EQ(name_start(&functions, &module, CODE_AT + 0x80), 0);
	functions_clear(&functions);
	made_module_free(&module);
}

TEST(functions_survive_symbol_tables_of_nonsense)
{
	static const uint64_t sizes[] = { 0, 23, 24, 1 << 30, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct made made = file_with_code(ET_DYN, CODE_BYTES);
		struct functions functions = { 0 };
		struct module module;
		size_t section = made_add_section(&made, ".symtab",
						  SHT_SYMTAB, SYMBOLS_AT,
						  sizes[i]);

		if (sizes[i] == 1 << 30) /* behind the end of the file */
			made_sections(&made)[section].sh_offset = 1u << 31;
		module = made_module(&made);
		CHECK_EQ(start_of(&functions, &module, CODE_AT + 5), 0);
		CHECK(!functions.is_complete);
		functions_clear(&functions);
		made_module_free(&module);
	}
}

/* call @to, at @at */
static void put_call(const struct made *made, uint64_t at, uint64_t to)
{
	int32_t distance = (int32_t)(to - at - 5);

	made->bytes[at] = 0xe8;
	made_put(made, at + 1, &distance, sizeof(distance));
}

static void put_relocs(struct made *made)
{
	Elf64_Dyn dynamic[] = {
		{ DT_RELA, { RELOCS_AT } },
		{ DT_RELASZ, { 2 * sizeof(Elf64_Rela) } },
		{ DT_NULL, { 0 } },
	};
	Elf64_Rela relocs[] = {
		{ 0x1f00, ELF64_R_INFO(0, R_X86_64_RELATIVE),
		  CODE_AT + 0x300 },
		{ 0x1f08, ELF64_R_INFO(1, R_X86_64_GLOB_DAT),
		  CODE_AT + 0x310 },
	};

	made_add_segment(made, PT_DYNAMIC, PF_R, DYNAMIC_AT, sizeof(dynamic));
	made_put(made, DYNAMIC_AT, dynamic, sizeof(dynamic));
	made_put(made, RELOCS_AT, relocs, sizeof(relocs));
}

/* .eh_frame_hdr with a function at @start; it says that there are @n. */
static void put_table(struct made *made, uint64_t start, uint32_t n)
{
	struct {
		uint8_t encodings[4];
		int32_t frames;
		uint32_t n;
		int32_t entry[2];
	} table = { { 1, 0x1b, 0x03, 0x3b }, 0, n,
		    { (int32_t)(start - TABLE_AT), 0 } };

	made_add_segment(made, PT_GNU_EH_FRAME, PF_R, TABLE_AT,
			 sizeof(table));
	made_put(made, TABLE_AT, &table, sizeof(table));
}

TEST(functions_of_a_stripped_file_are_what_is_called_or_has_its_address_taken)
{
	Elf64_Sym exported[] = { { 0 }, FUNCTION(CODE_AT + 0x10) };
	static const uint8_t lea[] = { 0x48, 0x8d, 0x05, 0xf9, 3, 0, 0 };
	struct made made = file_with_code(ET_DYN, CODE_BYTES);
	struct functions functions = { 0 };
	struct module module;

	add_symbols(&made, ".dynsym", exported, 2);
	put_call(&made, CODE_AT + 0x20, CODE_AT + 0x200);
	put_call(&made, CODE_AT + 0x28, 0x40); /* not in code */
	made_put(&made, CODE_AT, lea, sizeof(lea)); /* of CODE_AT + 0x400 */
	put_relocs(&made);
	put_table(&made, CODE_AT + 0x500, 1);
	made_header(&made)->e_entry = CODE_AT + 0x600;
	module = made_module(&made);
	for (uint64_t at = 0x200; at <= 0x600; at += 0x100)
		CHECK_EQ(start_of(&functions, &module, CODE_AT + at + 0x1f),
			 CODE_AT + at);
	CHECK_EQ(start_of(&functions, &module, CODE_AT + 0x11),
		 CODE_AT + 0x10);
	CHECK_EQ(name_start(&functions, &module, CODE_AT + 0x310),
		 CODE_AT + 0x300);
	functions_clear(&functions);
	made_module_free(&module);
}

static bool note_place(void *ctx, uint64_t vaddr)
{
	*(uint64_t *)ctx = vaddr;
	return true;
}

TEST(words_that_point_somewhere_are_found_by_their_relocations)
{
	struct made made = file_with_code(ET_DYN, CODE_BYTES);
	struct module module;
	uint64_t place = 0, word = 1;

	put_relocs(&made);
	module = made_module(&made);
	CHECK(module_find_relocs_to(&module, CODE_AT + 0x300, note_place,
				    &place));
	CHECK_EQ(place, 0x1f00);
	/* Not one that stays the same wherever the file is mapped. */
	CHECK(!module_find_relocs_to(&module, CODE_AT + 0x310, note_place,
				     &place));
	module_relocate(&module, 0x1f00, (uint8_t *)&word, sizeof(word));
	CHECK_EQ(word, CODE_AT + 0x300);
	word = 1;
	module_relocate(&module, 0x1f01, (uint8_t *)&word, sizeof(word));
	CHECK_EQ(word, 1); /* only the whole of it */
	made_module_free(&module);
}

TEST(relocations_that_end_too_early_are_read_as_far_as_they_go)
{
	struct made made = file_with_code(ET_DYN, CODE_BYTES);
	Elf64_Dyn size = { DT_RELASZ, { 5000 * sizeof(Elf64_Rela) } };
	struct module module;
	uint64_t place = 0;

	put_relocs(&made);
	made_put(&made, DYNAMIC_AT + sizeof(size), &size, sizeof(size));
	module = made_module(&made);
	CHECK(module_find_relocs_to(&module, CODE_AT + 0x300, note_place,
				    &place));
	CHECK(!module_find_relocs_to(&module, 0x123456, note_place, &place));
	made_module_free(&module);
}

TEST(numbers_are_addresses_only_in_code_for_a_fixed_place)
{
	static const uint8_t movs[] = {
		0xbf, 0x00, 0x25, 0, 0,		    /* mov $0x2500,%edi */
		0x48, 0xc7, 0xc7, 0x00, 0x26, 0, 0, /* mov $0x2600,%rdi */
		0xc4, 0xe2, 0x78, 0xf2, 0xc0,	    /* andn: of no use */
		0x06, 0x06,			    /* no instruction */
	};

	for (int is_fixed = 0; is_fixed < 2; is_fixed++) {
		struct made made = file_with_code(is_fixed ? ET_EXEC : ET_DYN,
						  CODE_BYTES);
		struct functions functions = { 0 };
		struct module module;

		made_put(&made, CODE_AT, movs, sizeof(movs));
		module = made_module(&made);
		CHECK_EQ(start_of(&functions, &module, 0x2580),
			 is_fixed ? 0x2500 : 0);
		CHECK_EQ(start_of(&functions, &module, 0x2680),
			 is_fixed ? 0x2600 : 0);
		functions_clear(&functions);
		made_module_free(&module);
	}
}

TEST(an_index_of_unwind_tables_that_lies_is_not_believed)
{
	static const uint32_t counts[] = { 0, 2, 1u << 20, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct made made = file_with_code(ET_DYN, CODE_BYTES);
		struct functions functions = { 0 };
		struct module module;

		put_table(&made, CODE_AT + 0x500, counts[i]);
		if (counts[i] == 2) /* an encoding that no linker writes */
			made.bytes[TABLE_AT + 3] = 0x1b;
		module = made_module(&made);
		CHECK_EQ(start_of(&functions, &module, CODE_AT + 0x510), 0);
		functions_clear(&functions);
		made_module_free(&module);
	}
}

/* Code of which only the surroundings of an address are looked at. */
TEST(functions_of_very_much_code_begin_behind_filler_or_with_a_frame)
{
	struct made made = file_with_code(ET_DYN, PARTIAL_BYTES);
	uint64_t far = CODE_AT + (8u << 20);
	struct functions functions = { 0 };
	struct module module;

	made.bytes[far + 0x3f] = 0xcc;
	made_put(&made, far + 0x80, "\x55\x48\x89\xe5", 4);
	made.bytes[far + 0x155] = 0xcc; /* not in front of a function */
	module = made_module(&made);
	CHECK_EQ(name_start(&functions, &module, far + 0x7f), far + 0x40);
	CHECK(functions.is_partial);
	CHECK_EQ(name_start(&functions, &module, far + 0x200), far + 0x80);
	CHECK_EQ(name_start(&functions, &module, far + 0x20), 0);
	CHECK_EQ(name_start(&functions, &module, CODE_AT + 9), 0);
	/* Further back than any function is long. */
	CHECK_EQ(name_start(&functions, &module, far + 0x200 + 65536 + 64),
		 0);
	functions_clear(&functions);
	made_module_free(&module);
}

TEST(what_is_no_program_has_no_functions)
{
	uint8_t bytes[64] = { 0 };
	struct module module = { .fd = -1, .image = bytes,
				 .image_bytes = sizeof(bytes) };
	struct functions functions = { 0 };

	CHECK_EQ(start_of(&functions, &module, 1), 0);
	CHECK_EQ(name_start(&functions, &module, 1), 0);
	functions_clear(&functions);
}

TEST_MAIN()
