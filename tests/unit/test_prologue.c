/* SPDX-License-Identifier: MIT */
/*
 * test_prologue.c - rows from the code of functions, next to those of CFI.
 *
 * Functions without CFI are written in assembler here; compiled ones are
 * those of the test itself and of its C library, whose CFI is the truth.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "image/elf_headers.h"
#include "unwind/cfi.h"
#include "image/decode.h"
#include "unwind/prologue.h"
#include "util/mem.h"

#define TEXT_VADDR 0x401000

/* A module whose only segment is @n bytes of @code. */
static struct module code_module(const void *code, size_t n)
{
	struct module module = { .fd = -1 };

	module.image = xmalloc(n + 1);
	memcpy(module.image, code, n);
	module.image_bytes = n;
	module.is_elf = true;
	module.segments = xcalloc(1, sizeof(*module.segments));
	module.n_segments = 1;
	module.segments[0] = (struct segment){ 0, TEXT_VADDR, n, n, true };
	module.entry = TEXT_VADDR;
	return module;
}

static void module_drop(struct module *module)
{
	if (module->fd >= 0)
		close(module->fd);
	free(module->image);
	free(module->segments);
}

/* The row at @at of @code, which holds one function from its start on. */
static struct row row_at(const void *code, size_t n, size_t at,
			 struct row_saves *saves)
{
	struct module module = code_module(code, n);
	struct functions functions = { 0 };
	struct row_saves own;
	struct row row;

	prologue_find_row(&functions, &module, TEXT_VADDR + at, &row,
			  saves ? saves : &own);
	functions_clear(&functions);
	module_drop(&module);
	return row;
}

#define ROW_AT(code, at) row_at(code, sizeof(code) - 1, at, NULL)

TEST(pushes_and_a_constant_are_followed_down_and_up_again)
{
	static const char code[] = "\x55"		/* 0 push %rbp */
				   "\x53"		/* 1 push %rbx */
				   "\x48\x83\xec\x28"	/* 2 sub $40, %rsp */
				   "\xe8\0\0\0\x10" /* 6 call */
				   "\x48\x83\xc4\x28"	/* 11 add */
				   "\x5b\x5d\xc3";	/* 15 pop pop ret */
	struct row_saves saves;
	struct row row = row_at(code, sizeof(code) - 1, 8, &saves);

	CHECK_EQ(row.kind, ROW_GUESS);
	CHECK_EQ(row.cfa_reg, CPU_SP);
	CHECK_EQ(row.cfa_offset, 64);
	CHECK_EQ(row.fp_rule, RULE_AT_CFA);
	CHECK_EQ(row.fp_offset, -16);
	CHECK_EQ(saves.rule[0], RULE_AT_CFA);
	CHECK_EQ(saves.offset[0], -24);
	CHECK_EQ(ROW_AT(code, 0).cfa_offset, 8);
	CHECK_EQ(ROW_AT(code, 0).fp_rule, RULE_SAME);
	CHECK_EQ(ROW_AT(code, 15).cfa_offset, 24);
	CHECK_EQ(ROW_AT(code, 17).cfa_offset, 8);
}

TEST(frame_pointer_is_used_once_sp_is_aligned)
{
	static const char code[] = "\x55\x48\x89\xe5"	/* push, mov */
				   "\x48\x83\xe4\xc0"	/* 4 and $-64, %rsp */
				   "\xe8\0\0\0\x10" /* 8 call */
				   "\xc9\xc3";		/* 13 leave; ret */
	struct row row = ROW_AT(code, 10);

	CHECK_EQ(row.kind, ROW_GUESS);
	CHECK_EQ(row.cfa_reg, CPU_FP);
	CHECK_EQ(row.cfa_offset, 16);
	CHECK_EQ(row.fp_offset, -16);
	CHECK_EQ(ROW_AT(code, 14).cfa_reg, CPU_SP);
	CHECK_EQ(ROW_AT(code, 14).cfa_offset, 8);
}

TEST(code_behind_a_return_has_the_state_of_the_jump_to_it)
{
	static const char code[] = "\x53"		/* 0 push %rbx */
				   "\x85\xff"		/* 1 test */
				   "\x74\x02"		/* 3 je 7 */
				   "\x5b\xc3"		/* 5 pop; ret */
				   "\xe8\0\0\0\x10" /* 7 call */
				   "\xeb\xf7";		/* 12 jmp 5 */

	CHECK_EQ(ROW_AT(code, 6).cfa_offset, 8);
	CHECK_EQ(ROW_AT(code, 9).cfa_offset, 16);
}

TEST(body_of_a_loop_behind_a_jump_has_the_state_of_the_jump)
{
	static const char code[] = "\x53"		/* 0 push %rbx */
				   "\xeb\x05"		/* 1 jmp 8 */
				   "\xe8\0\0\0\x10" /* 3 call */
				   "\x85\xff"		/* 8 test */
				   "\x75\xf7"		/* 10 jne 3 */
				   "\x5b\xc3";		/* 12 pop; ret */

	CHECK_EQ(ROW_AT(code, 5).cfa_offset, 16);
	CHECK_EQ(ROW_AT(code, 8).cfa_offset, 16);
}

TEST(what_nothing_jumps_to_behind_a_return_is_another_function)
{
	static const char code[] = "\x53\x53\xe8\0\0\0\x10\x5b\x5b\xc3"
				   "\x55"		/* 10 push */
				   "\xe8\0\0\0\x10" /* 11 call */
				   "\x5d\xc3";

	CHECK_EQ(ROW_AT(code, 4).cfa_offset, 24);
	CHECK_EQ(ROW_AT(code, 13).cfa_offset, 16);
}

TEST(a_function_that_clears_the_frame_pointer_is_a_root)
{
	static const char start[] = "\x31\xed"		/* xor %ebp, %ebp */
				    "\x48\x89\xe7"	/* mov %rsp, %rdi */
				    "\x48\x83\xe4\xf0"	/* and */
				    "\xe8\0\0\0\x10";	/* 9 call */
	static const char saved[] = "\x55\x31\xed\xe8\0\0\0\x10\x5d\xc3";

	CHECK_EQ(ROW_AT(start, 10).kind, ROW_ROOT);
	CHECK_EQ(ROW_AT(saved, 5).kind, ROW_GUESS);
}

TEST(what_is_done_to_sp_by_other_means_gives_no_row)
{
	static const char code[] = "\x48\x29\xc4"	/* sub %rax, %rsp */
				   "\xe8\0\0\0\x10"
				   "\xc3";

	CHECK_EQ(ROW_AT(code, 5).kind, ROW_NONE);
}

static struct row epilogue(const char *code, size_t n)
{
	struct row row = { .kind = ROW_NONE };

	return epilogue_find_row((const uint8_t *)code, n, &row) ? row :
	       (struct row){ .kind = ROW_NONE };
}

TEST(an_epilogue_alone_tells_where_the_frame_ends)
{
	struct row row = epilogue("\x48\x83\xc4\x08\xc3", 5);

	CHECK_EQ(row.kind, ROW_GUESS);
	CHECK_EQ(row.cfa_offset, 16);
	CHECK_EQ(row.fp_rule, RULE_SAME);
	/* add $24, %rsp; pop %rbx; pop %rbp; pop %r12; ret */
	row = epilogue("\x48\x83\xc4\x18\x5b\x5d\x41\x5c\xc3", 9);
	CHECK_EQ(row.cfa_offset, 56);
	CHECK_EQ(row.fp_rule, RULE_AT_CFA);
	CHECK_EQ(row.fp_offset, -24);
	CHECK_EQ(epilogue("\xc3", 1).cfa_offset, 8);
	CHECK_EQ(epilogue("\x5b\x90\xc3", 3).kind, ROW_NONE);
	CHECK_EQ(epilogue("\x53\xc3", 2).kind, ROW_NONE);
	CHECK_EQ(epilogue("\x5b", 1).kind, ROW_NONE);
	CHECK_EQ(epilogue("", 0).kind, ROW_NONE);
}

static size_t length_of(const char *bytes, size_t n)
{
	struct insn insn;

	return insn_decode((const uint8_t *)bytes, n, &insn) ? insn.length : 0;
}

TEST(lengths_of_instructions_of_all_kinds)
{
	CHECK_EQ(length_of("\x90", 1), 1);
	CHECK_EQ(length_of("\x48\xb8\1\2\3\4\5\6\7\x8", 10), 10);
	CHECK_EQ(length_of("\x66\xb8\1\2", 4), 4);
	CHECK_EQ(length_of("\xf6\x05\1\2\3\4\5", 7), 7);
	CHECK_EQ(length_of("\xf7\xd8", 2), 2);
	CHECK_EQ(length_of("\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 10), 10);
	CHECK_EQ(length_of("\x0f\x84\1\2\3\4", 6), 6);
	CHECK_EQ(length_of("\x66\x0f\x3a\x0f\xc1\x08", 6), 6);
	CHECK_EQ(length_of("\xc5\xf8\x77", 3), 3);
	CHECK_EQ(length_of("\xc4\xe3\x7d\x39\xc1\x01", 6), 6);
	CHECK_EQ(length_of("\x62\xf1\x7c\x48\x10\x07", 6), 6);
	CHECK_EQ(length_of("\x64\x48\x8b\x04\x25\x28\0\0\0", 9), 9);
	CHECK_EQ(length_of("\xa1\1\2\3\4\5\6\7\x8", 9), 9);
	CHECK_EQ(length_of("\xc8\x10\0\0", 4), 4);
	CHECK_EQ(length_of("\x06", 1), 0);
	CHECK_EQ(length_of("\xe8\1\2\3", 4), 0);
	CHECK_EQ(length_of("", 0), 0);
}

struct score {
	uint64_t n_calls, n_same;
};

/* Compare the rows at all calls in the code of @path that has CFI. */
static struct score compare_with_cfi(const char *path)
{
	struct module module = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct functions functions = { 0 };
	struct score score = { 0, 0 };
	struct cfi *cfi;

	module_parse_headers(&module);
	cfi = cfi_new(&module);
	for (size_t i = 0; i < module.n_segments; i++) {
		const struct segment *s = &module.segments[i];
		CLEANUP(free) uint8_t *code = xmalloc(s->file_bytes + 1);
		ssize_t n = module_read(&module, s->vaddr, code,
					s->file_bytes);
		struct insn insn = { .length = 1 };

		for (ssize_t at = 0; s->is_executable && at < n;
		     at += insn.length) {
			struct row expected, row;
			struct row_saves saves;

			if (!insn_decode(code + at, (size_t)(n - at), &insn))
				insn.length = 1;
			/* One in 16 will do. */
			if (code[at] != 0xe8 || insn.length != 5 ||
			    (uint64_t)code[at + 1] % 16)
				continue;
			cfi_find_row(cfi, s->vaddr + (uint64_t)at, &expected,
				     &saves);
			if (expected.kind != ROW_PLAIN ||
			    expected.cfa_reg != CPU_SP)
				continue;
			prologue_find_row(&functions, &module,
					  s->vaddr + (uint64_t)at, &row,
					  &saves);
			score.n_calls++;
			score.n_same += expected.cfa_offset ==
					(row.cfa_reg == CPU_SP ?
					 row.cfa_offset : row.extra);
		}
	}
	cfi_free(cfi);
	functions_clear(&functions);
	module_drop(&module);
	return score;
}

TEST(rows_from_the_code_of_the_c_library_are_those_of_its_cfi)
{
	struct link_map *map;
	struct score score;
	void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);

	if (!library || dlinfo(library, RTLD_DI_LINKMAP, &map))
		SKIP("the C library is not glibc");
	score = compare_with_cfi(map->l_name);
	printf("# %" PRIu64 " of %" PRIu64 " calls\n", score.n_same,
	       score.n_calls);
	dlclose(library);
	CHECK(score.n_calls > 100);
	CHECK(score.n_same * 100 >= score.n_calls * 95);
}

TEST(garbage_for_code_gives_some_row_or_none)
{
	static uint8_t code[5000];
	unsigned int seed = 3;

	for (int round = 0; round < 60; round++) {
		struct module module;
		struct functions functions = { 0 };

		for (size_t i = 0; i < sizeof(code); i++)
			code[i] = round % 2 ? (uint8_t)rand_r(&seed) :
				"\x55\x5d\xeb\x75\xc9\x48\x83\xec\xc4\xe8"
				"\x0f\x1f\x62\xc4\xff\x81"
				[rand_r(&seed) % 16];
		module = code_module(code, sizeof(code));
		for (int i = 0; i < 40; i++) {
			struct row_saves saves;
			struct row row;

			prologue_find_row(&functions, &module,
					  TEXT_VADDR + (uint64_t)
					  rand_r(&seed) % sizeof(code),
					  &row, &saves);
			CHECK(row.kind == ROW_NONE || row.kind == ROW_ROOT ||
			      row.kind == ROW_GUESS);
		}
		functions_clear(&functions);
		module_drop(&module);
	}
}

TEST_MAIN()
