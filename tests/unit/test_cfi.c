/* SPDX-License-Identifier: MIT */
/*
 * test_cfi.c - rows from unwind tables written by hand: each kind of rule, in
 * the program's file or in one with its debug information.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "made_file.h"
#include "unwind/cfi.h"
#include "util/io.h"

#define FILE_BYTES 0x4000
#define FRAMES_AT 0x1000
#define CODE_AT 0x2000
#define STEP 0x100 /* bytes of each function */

struct tables {
	struct made file;
	uint8_t bytes[0x800];
	size_t n;
	uint64_t n_functions;
};

static void add(struct tables *tables, const void *bytes, size_t n)
{
	memcpy(tables->bytes + tables->n, bytes, n);
	tables->n += n;
}

/* An entry of .debug_frame: its length, then these, padded. */
static void add_entry(struct tables *tables, const void *head, size_t n_head,
		      const void *rules, size_t n_rules)
{
	size_t pad = (8 - (4 + n_head + n_rules) % 8) % 8;
	uint32_t length = (uint32_t)(n_head + n_rules + pad);

	add(tables, &length, sizeof(length));
	add(tables, head, n_head);
	add(tables, rules, n_rules);
	add(tables, (uint8_t[8]){ 0 }, pad); /* DW_CFA_nop */
}

/* DWARF 5, 6.4.1: the CIE; CFA = rsp + 8, the return address below it. */
static void tables_init(struct tables *tables)
{
	static const uint8_t head[] = { 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 0x78,
					16 };
	static const uint8_t rules[] = { 0x0c, 7, 8, 0x90, 1 };

	memset(tables, 0, sizeof(*tables));
	tables->file = made_new(FILE_BYTES, ET_EXEC);
	made_add_segment(&tables->file, PT_LOAD, PF_R | PF_X, 0, FILE_BYTES);
	add_entry(tables, head, sizeof(head), rules, sizeof(rules));
}

/* The next function, with rules beside those of the CIE; its address. */
static uint64_t add_function(struct tables *tables, const void *rules,
			     size_t n)
{
	uint64_t at = CODE_AT + STEP * tables->n_functions++, size = STEP;
	uint8_t head[20] = { 0 };

	memcpy(head + 4, &at, 8);
	memcpy(head + 12, &size, 8);
	add_entry(tables, head, sizeof(head), rules, n);
	return at;
}

static void finish(struct tables *tables)
{
	made_put(&tables->file, FRAMES_AT, tables->bytes, tables->n);
	made_add_section(&tables->file, ".debug_frame", SHT_PROGBITS,
			 FRAMES_AT, tables->n);
}

/* The row of a function with these rules, in a file that has no others. */
static struct row row_of(const void *rules, size_t n, struct row_saves *saves)
{
	struct tables tables;
	struct module module;
	struct row_saves own;
	struct row row;
	struct cfi *cfi;
	uint64_t at;

	tables_init(&tables);
	at = add_function(&tables, rules, n);
	finish(&tables);
	module = made_module(&tables.file);
	cfi = cfi_new(&module);
	cfi_find_row(cfi, at + 8, &row, saves ? saves : &own);
	cfi_free(cfi);
	made_module_free(&module);
	return row;
}

#define ROW_OF(rules) row_of(rules, sizeof(rules) - 1, NULL)

TEST(a_row_without_rules_of_its_own_is_that_of_the_start)
{
	struct row_saves saves;
	struct row row = row_of("", 0, &saves);

	CHECK_EQ(row.kind, ROW_PLAIN);
	CHECK_EQ(row.cfa_reg, CPU_SP);
	CHECK_EQ(row.cfa_offset, 8);
	CHECK_EQ(row.fp_rule, RULE_SAME);
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		CHECK_EQ(saves.rule[i], RULE_SAME);
}

TEST(a_row_says_where_registers_were_saved)
{
	/* def_cfa_offset 32; rbp at CFA - 16; rbx at CFA - 24; r12 by
	 * *(rbp - 40) */
	static const char rules[] = "\x0e\x20\x86\x02\x83\x03\x10\x0c\x02\x76"
				    "\x58";
	struct row_saves saves;
	struct row row = row_of(rules, sizeof(rules) - 1, &saves);

	CHECK_EQ(row.kind, ROW_PLAIN);
	CHECK_EQ(row.cfa_offset, 32);
	CHECK_EQ(row.fp_rule, RULE_AT_CFA);
	CHECK_EQ(row.fp_offset, -16);
	CHECK_EQ(saves.rule[0], RULE_AT_CFA);
	CHECK_EQ(saves.offset[0], -24);
	CHECK_EQ(saves.rule[1], RULE_AT_FP);
	CHECK_EQ(saves.offset[1], -40);
}

TEST(a_cfa_in_memory_is_a_deref_row)
{
	/* def_cfa_expression: breg10 -8, deref; and plus_uconst 16 */
	struct row row = ROW_OF("\x0f\x03\x7a\x78\x06");

	CHECK_EQ(row.kind, ROW_DEREF);
	CHECK_EQ(row.cfa_reg, CPU_R10);
	CHECK_EQ(row.cfa_offset, -8);
	CHECK_EQ(row.extra, 0);
	row = ROW_OF("\x0f\x05\x7a\x78\x06\x23\x10");
	CHECK_EQ(row.kind, ROW_DEREF);
	CHECK_EQ(row.extra, 16);
}

TEST(the_expression_of_a_plt_is_known_and_its_kin_are_not)
{
	/* breg7 8, breg16 0, lit15, and, lit11, ge, lit3, shl, plus */
	static const char plt[] = "\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a"
				  "\x33\x24\x22";
	char other[sizeof(plt)];
	struct row row = ROW_OF(plt);

	CHECK_EQ(row.kind, ROW_PLT);
	CHECK_EQ(row.cfa_reg, CPU_SP);
	CHECK_EQ(row.cfa_offset, 8);
	CHECK_EQ(row.extra, 11);
	for (size_t i = 3; i < sizeof(plt) - 1; i++) {
		memcpy(other, plt, sizeof(plt));
		other[i] ^= (char)(i == 3 || i == 5 ? 0x10 : 0x40);
		row = row_of(other, sizeof(other) - 1, NULL);
		CHECK(row.kind == ROW_HARD || row.kind == ROW_BROKEN ||
		      row.kind == ROW_NONE);
	}
}

TEST(an_undefined_return_address_is_the_root)
{
	CHECK_EQ(ROW_OF("\x07\x10").kind, ROW_ROOT);
}

TEST(rules_that_no_row_can_say_are_left_to_libunwind)
{
	/* The return address at CFA - 16; rsp saved in memory; rbp in r10;
	 * CFA = r10 + r11; rbp at *r10; rbp's value is CFA - 8. */
	CHECK_EQ(ROW_OF("\x90\x02").kind, ROW_HARD);
	CHECK_EQ(ROW_OF("\x87\x02").kind, ROW_HARD);
	CHECK_EQ(ROW_OF("\x09\x06\x0a").kind, ROW_HARD);
	CHECK_EQ(ROW_OF("\x0f\x05\x7a\x00\x7b\x00\x22").kind, ROW_HARD);
	CHECK_EQ(ROW_OF("\x10\x06\x02\x7a\x00").kind, ROW_HARD);
	CHECK_EQ(ROW_OF("\x14\x06\x01").kind, ROW_HARD);
}

TEST(rules_that_name_registers_there_are_not_are_shown_to_nobody)
{
	/* rbp in register 40; CFA = register 40 + 8; the same by breg25. */
	CHECK(ROW_OF("\x09\x06\x28").kind == ROW_BROKEN);
	CHECK(ROW_OF("\x0c\x28\x08").kind == ROW_BROKEN);
	CHECK(ROW_OF("\x0f\x02\x89\x08").kind == ROW_BROKEN);
}

/* At @offset of a function without rules of its own, in a file of @machine. */
static int kind_at(Elf64_Half machine, int64_t offset)
{
	struct tables tables;
	struct module module;
	struct row_saves saves;
	struct row row;
	struct cfi *cfi;
	uint64_t at;

	tables_init(&tables);
	at = add_function(&tables, "", 0);
	finish(&tables);
	made_header(&tables.file)->e_machine = machine;
	module = made_module(&tables.file);
	cfi = cfi_new(&module);
	cfi_find_row(cfi, at + (uint64_t)offset, &row, &saves);
	cfi_free(cfi);
	made_module_free(&module);
	return row.kind;
}

TEST(what_no_entry_covers_has_no_row)
{
	CHECK_EQ(kind_at(EM_X86_64, 0), ROW_PLAIN);
	CHECK_EQ(kind_at(EM_X86_64, STEP), ROW_NONE);
	CHECK_EQ(kind_at(EM_X86_64, -1), ROW_NONE);
}

/* A file with nothing that unwinding could use. */
static struct module bare_module(void)
{
	struct made made = made_new(FILE_BYTES, ET_EXEC);

	made_add_segment(&made, PT_LOAD, PF_R | PF_X, 0, FILE_BYTES);
	return made_module(&made);
}

static int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("debug", MFD_CLOEXEC);

	if (fd >= 0 && !io_write_full(fd, bytes, n)) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST(a_file_of_debug_information_gives_the_rows_that_a_program_lacks)
{
	struct module module = bare_module();
	struct cfi *cfi = cfi_new(&module);
	struct tables tables;
	struct row_saves saves;
	struct row row;
	uint64_t at;
	int fd;

	tables_init(&tables);
	at = add_function(&tables, "\x0e\x30", 2);
	finish(&tables);
	/* What is said beside it is not looked at. */
	made_add_section(&tables.file, ".debug_info", SHT_PROGBITS,
			 FRAMES_AT + 3, 77);
	fd = file_of(tables.file.bytes, tables.file.n);
	CHECK(fd >= 0);
	cfi_find_row(cfi, at, &row, &saves);
	CHECK_EQ(row.kind, ROW_NONE);
	cfi_use_debug_file(cfi, fd);
	cfi_find_row(cfi, at, &row, &saves);
	CHECK_EQ(row.kind, ROW_PLAIN);
	CHECK_EQ(row.cfa_offset, 0x30);
	/* A second one changes nothing. */
	cfi_use_debug_file(cfi, file_of("", 0));
	cfi_find_row(cfi, at, &row, &saves);
	CHECK_EQ(row.cfa_offset, 0x30);
	cfi_free(cfi);
	free(tables.file.bytes);
	made_module_free(&module);
}

TEST(a_debug_file_of_another_kind_gives_none)
{
	for (int i = 0; i < 5; i++) {
		struct module module = bare_module();
		struct cfi *cfi = cfi_new(&module);
		struct row_saves saves;
		struct tables tables;
		struct row row;
		uint64_t at;

		tables_init(&tables);
		at = add_function(&tables, "", 0);
		if (i != 0) /* else without a table */
			finish(&tables);
		if (i == 1) /* of another machine */
			made_header(&tables.file)->e_machine = EM_AARCH64;
		else if (i == 2) /* no ELF file */
			tables.file.bytes[1] = 'X';
		else if (i == 3) /* without names of sections */
			made_header(&tables.file)->e_shstrndx = 0;
		else if (i == 4) /* whose table is not in it */
			made_sections(&tables.file)[2].sh_type = SHT_NOBITS;
		cfi_use_debug_file(cfi, file_of(tables.file.bytes,
						tables.file.n));
		cfi_find_row(cfi, at, &row, &saves);
		CHECK_EQ(row.kind, ROW_NONE);
		cfi_free(cfi);
		free(tables.file.bytes);
		made_module_free(&module);
	}
}

TEST(a_module_of_another_machine_has_no_rows)
{
	CHECK_EQ(kind_at(EM_AARCH64, 0), ROW_NONE);
}

TEST_MAIN()
