/* SPDX-License-Identifier: MIT */
/* test_row.c - one step by each kind of row, over hand-made stacks. */
#include "check.h"
#include "unwind/call_site.h"
#include "unwind/row.h"

#define BASE 0x7ffc00000000u
#define WORDS 64

struct stack {
	uint64_t words[WORDS];
	struct snapshot snapshot;
	struct regs regs;
};

/* Word i holds 0x1000 + i; sp at word 16, fp at word 20. */
static void stack_init(struct stack *stack)
{
	memset(stack, 0, sizeof(*stack));
	for (size_t i = 0; i < WORDS; i++)
		stack->words[i] = 0x1000 + i;
	stack->snapshot.base = BASE;
	stack->snapshot.bytes = (const uint8_t *)stack->words;
	stack->snapshot.n_bytes = sizeof(stack->words);
	for (int i = 0; i < N_REGS; i++)
		regs_set(&stack->regs, (enum cpu_reg)i, 0x5000 + (uint64_t)i);
	regs_set(&stack->regs, CPU_SP, BASE + 16 * 8);
	regs_set(&stack->regs, CPU_FP, BASE + 20 * 8);
}

static enum step step(struct stack *stack, struct row row)
{
	return row_step(&row, NULL, &stack->snapshot, &stack->regs);
}

TEST(plain_row_by_sp_takes_the_word_below_the_cfa_as_pc)
{
	struct stack s;

	stack_init(&s);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_SP, RULE_SAME, 0,
					.cfa_offset = 24 }), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 18);
	CHECK_EQ(s.regs.r[CPU_SP], BASE + 19 * 8);
	CHECK_EQ(s.regs.r[CPU_FP], BASE + 20 * 8);
	CHECK(!regs_is_known(&s.regs, CPU_RBX));
	CHECK(!regs_is_known(&s.regs, CPU_RAX));
}

TEST(plain_row_by_fp_restores_fp)
{
	struct stack s;

	stack_init(&s);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_FP, RULE_AT_CFA, 0,
					.cfa_offset = 16,
					.fp_offset = -16 }), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 21);
	CHECK_EQ(s.regs.r[CPU_SP], BASE + 22 * 8);
	CHECK_EQ(s.regs.r[CPU_FP], 0x1000 + 20);
}

TEST(plain_row_may_reckon_from_any_known_register)
{
	struct stack s;

	stack_init(&s);
	regs_set(&s.regs, CPU_R12, BASE + 30 * 8);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_R12, RULE_SAME, 0,
					.cfa_offset = 8 }), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 30);
}

TEST(plt_row_adds_a_word_from_its_push_on)
{
	struct row row = { ROW_PLT, CPU_SP, RULE_SAME, 0, 8, 0, 11 };
	struct stack s;

	stack_init(&s);
	s.regs.r[CPU_PC] = 0x40a;
	CHECK_EQ(step(&s, row), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 16);
	stack_init(&s);
	s.regs.r[CPU_PC] = 0x40b;
	CHECK_EQ(step(&s, row), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 17);
}

TEST(deref_row_goes_through_memory)
{
	struct stack s;

	stack_init(&s);
	s.words[18] = BASE + 40 * 8;
	CHECK_EQ(step(&s, (struct row){ ROW_DEREF, CPU_SP, RULE_SAME, 0, 16,
					0, 8 }), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 40);
	CHECK_EQ(s.regs.r[CPU_SP], BASE + 41 * 8);
}

TEST(fp_may_lie_relative_to_fp_itself)
{
	struct stack s;

	stack_init(&s);
	s.words[19] = BASE + 40 * 8;
	CHECK_EQ(step(&s, (struct row){ ROW_DEREF, CPU_FP, RULE_AT_FP, 0, -8,
					0, 0 }), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_FP], 0x1000 + 20);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 39);
}

TEST(signal_row_brings_all_registers_back)
{
	struct stack s;

	stack_init(&s);
	s.regs.known = 1u << CPU_SP;
	CHECK_EQ(step(&s, (struct row){ ROW_SIGNAL, CPU_SP, 0, 0, 40, 0, 0 }),
		 STEP_DONE);
	CHECK_EQ(s.regs.known, REGS_ALL_KNOWN);
	CHECK_EQ(s.regs.r[CPU_R8], 0x1000 + 21);
	CHECK_EQ(s.regs.r[CPU_FP], 0x1000 + 31);
	CHECK_EQ(s.regs.r[CPU_SP], 0x1000 + 36);
	CHECK_EQ(s.regs.r[CPU_PC], 0x1000 + 37);
}

TEST(saves_restore_the_other_registers)
{
	struct row row = { ROW_PLAIN, CPU_SP, RULE_SAME, 0, 80, 0, 0 };
	struct row_saves saves = {
		.offset = { -16, -24, 0, 0, -16 },
		.rule = { RULE_AT_CFA, RULE_AT_CFA, RULE_SAME, RULE_UNKNOWN,
			  RULE_AT_FP },
	};
	struct stack s;

	stack_init(&s);
	CHECK_EQ(row_step(&row, &saves, &s.snapshot, &s.regs), STEP_DONE);
	CHECK_EQ(s.regs.r[CPU_RBX], 0x1000 + 24);
	CHECK_EQ(s.regs.r[CPU_R12], 0x1000 + 23);
	CHECK_EQ(s.regs.r[CPU_R13], 0x5000 + CPU_R13);
	CHECK(!regs_is_known(&s.regs, CPU_R14));
	CHECK_EQ(s.regs.r[CPU_R15], 0x1000 + 18);
	CHECK(!regs_is_known(&s.regs, CPU_RAX));
}

TEST(unknown_frame_pointer_is_told_apart)
{
	struct stack s;

	stack_init(&s);
	s.regs.known = 1u << CPU_SP | 1u << CPU_PC;
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_FP, 0, 0, 16, 0, 0 }),
		 STEP_NO_FP);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_RBX, 0, 0, 16, 0, 0 }),
		 STEP_NO_REG);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_SP, RULE_AT_CFA, 0, 24,
					-16, 0 }), STEP_DONE);
	CHECK(regs_is_known(&s.regs, CPU_FP));
}

TEST(root_and_none_and_hard_rows_take_no_step)
{
	struct stack s;

	stack_init(&s);
	CHECK_EQ(step(&s, (struct row){ .kind = ROW_ROOT }), STEP_ROOT);
	CHECK_EQ(step(&s, (struct row){ .kind = ROW_NONE }), STEP_NO_RULE);
	CHECK_EQ(step(&s, (struct row){ .kind = ROW_HARD }), STEP_NO_RULE);
}

TEST(memory_above_the_snapshot_is_cut_and_below_is_bad)
{
	struct stack s;
	uint64_t word;

	stack_init(&s);
	CHECK_EQ(snapshot_read(&s.snapshot, BASE + WORDS * 8 - 8, &word),
		 STEP_DONE);
	CHECK_EQ(snapshot_read(&s.snapshot, BASE + WORDS * 8 - 7, &word),
		 STEP_CUT);
	CHECK_EQ(snapshot_read(&s.snapshot, BASE - 1, &word), STEP_BAD_STACK);
	CHECK_EQ(snapshot_read(&s.snapshot, UINT64_MAX, &word), STEP_CUT);
	s.snapshot.n_bytes = 4;
	CHECK_EQ(snapshot_read(&s.snapshot, BASE, &word), STEP_CUT);
}

TEST(a_cfa_that_does_not_advance_is_bad)
{
	struct stack s;

	stack_init(&s);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_SP, 0, 0, 0, 0, 0 }),
		 STEP_BAD_STACK);
	CHECK_EQ(step(&s, (struct row){ ROW_PLAIN, CPU_SP, 0, 0, -8, 0, 0 }),
		 STEP_BAD_STACK);
}

static bool ends_in_call(const char *bytes, size_t n)
{
	return bytes_end_in_call((const uint8_t *)bytes, n);
}

TEST(calls_of_every_form_are_recognized)
{
	CHECK(ends_in_call("\xe8\1\2\3\4", 5));
	CHECK(ends_in_call("\xff\xd0", 2));
	CHECK(ends_in_call("\x41\xff\xd4", 3));
	CHECK(ends_in_call("\xff\x10", 2));
	CHECK(ends_in_call("\xff\x50\x08", 3));
	CHECK(ends_in_call("\xff\x14\xc8", 3));
	CHECK(ends_in_call("\xff\x54\x24\x08", 4));
	CHECK(ends_in_call("\xff\x15\1\2\3\4", 6));
	CHECK(ends_in_call("\xff\x90\1\2\3\4", 6));
	CHECK(ends_in_call("\xff\x14\xc5\1\2\3\4", 7));
	CHECK(ends_in_call("\x41\xff\x94\x24\1\2\3\4", 8));
	CHECK(!ends_in_call("\xff\xe0", 2)); /* jmp *%rax */
	CHECK(!ends_in_call("\x90\x90\x90\x90\x90\x90\x90\x90", 8));
	CHECK(!ends_in_call("\xe8\1\2\3", 4));
	CHECK(!ends_in_call("", 0));
}

static int stub_depth(const char *bytes, size_t at, size_t n)
{
	return bytes_stub_depth((const uint8_t *)bytes, at, n);
}

TEST(stubs_of_a_plt_are_recognized_at_each_instruction)
{
	static const char plt[] =
		"\xff\x25\1\2\3\4\x68\1\0\0\0\xe9\1\2\3\4";
	static const char ibt[] =
		"\xf3\x0f\x1e\xfa\x68\1\0\0\0\xf2\xe9\1\2\3\4";

	CHECK_EQ(stub_depth(plt, 0, 16), 0);
	CHECK_EQ(stub_depth(plt, 6, 16), 0);
	CHECK_EQ(stub_depth(plt, 11, 16), 8);
	CHECK_EQ(stub_depth(ibt, 0, 15), 0);
	CHECK_EQ(stub_depth(ibt, 4, 15), 0);
	CHECK_EQ(stub_depth(ibt, 9, 15), 8);
	CHECK_EQ(stub_depth("\xf3\x0f\x1e\xfa\xf2\xff\x25\1\2\3\4", 0, 11),
		 0);
	CHECK_EQ(stub_depth("\x55\x48\x89\xe5", 0, 4), -1);
	CHECK_EQ(stub_depth("\x68\1\0\0\0", 0, 5), -1);
	CHECK_EQ(stub_depth("\xff", 0, 1), -1);
}

TEST_MAIN()
