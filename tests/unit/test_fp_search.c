/* SPDX-License-Identifier: MIT */
/*
 * test_fp_search.c - stacks of blocked threads whose functions have frame
 * pointers: only pc and sp are known of them.
 *
 * The function that waits is written in assembler; the snapshot is taken by
 * what it calls, and then made that of the waiting function itself.
 */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "self.h"

typedef void (*leaf_fn)(void);

/* Where the waiting function is, and its locals. */
taddr wait_pc, wait_sp;

void wait_with_fp(leaf_fn next);
void wait_without_cfi(leaf_fn next);
void wait_in_alloca(leaf_fn next);
void jump_to_wait(leaf_fn next);

#define WAIT_BODY(name, cfi, locals)				\
	__asm__(".text\n"					\
		".globl " name "\n"				\
		".type " name ", @function\n"			\
		name ":\n"					\
		cfi(".cfi_startproc\n")				\
		"	push %rbp\n"				\
		cfi(".cfi_def_cfa_offset 16\n"			\
		    ".cfi_offset %rbp, -16\n")			\
		"	mov %rsp, %rbp\n"			\
		cfi(".cfi_def_cfa_register %rbp\n")		\
		locals						\
		"	mov %rsp, wait_sp(%rip)\n"		\
		"	lea 1f(%rip), %rax\n"			\
		"	mov %rax, wait_pc(%rip)\n"		\
		"	call *%rdi\n"				\
		"1:	leave\n"				\
		cfi(".cfi_def_cfa %rsp, 8\n")			\
		"	ret\n"					\
		cfi(".cfi_endproc\n")				\
		".size " name ", . - " name "\n")
#define WITH(text) text
#define WITHOUT(text)

WAIT_BODY("wait_with_fp", WITH, "sub $64, %rsp\n");
WAIT_BODY("wait_without_cfi", WITHOUT, "sub $64, %rsp\n");
WAIT_BODY("wait_in_alloca", WITH, "mov $64, %eax\n sub %rax, %rsp\n");

__asm__(".globl jump_to_wait\n"
	".type jump_to_wait, @function\n"
	"jump_to_wait:\n"
	"	.cfi_startproc\n"
	"	jmp wait_with_fp\n"
	"	.cfi_endproc\n"
	".size jump_to_wait, . - jump_to_wait\n");

/* A caller with 40 bytes of locals. */
extern const char behind_wide_call[];
__asm__(".type wide_caller, @function\n"
	"wide_caller:\n"
	"	.cfi_startproc\n"
	"	sub $40, %rsp\n"
	"	.cfi_def_cfa_offset 48\n"
	"	call *%rax\n"
	"behind_wide_call:\n"
	"	add $40, %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size wide_caller, . - wide_caller\n");

/* Copy the stack from the waiting function on, with its pc and sp. */
static NOINLINE void capture(void)
{
	struct regs *regs = &self.snapshot.regs;

	self_take(wait_sp, SELF_BYTES);
	regs->known = 0;
	regs_set(regs, CPU_PC, wait_pc);
	regs_set(regs, CPU_SP, wait_sp);
}

static const char *volatile chain_note;

static NOINLINE void call_directly(void)
{
	wait_with_fp(capture);
	chain_note = "call_directly";
}

static NOINLINE void call_alloca(void)
{
	wait_in_alloca(capture);
	chain_note = "call_alloca";
}

static NOINLINE void call_without_cfi(void)
{
	wait_without_cfi(capture);
	chain_note = "call_without_cfi";
}

static NOINLINE void call_by_jump(void)
{
	jump_to_wait(capture);
	chain_note = "call_by_jump";
}

static NOINLINE void call_by_pointer(void)
{
	static void (*volatile pointer)(leaf_fn) = wait_in_alloca;

	pointer(capture);
	chain_note = "call_by_pointer";
}

static NOINLINE void outermost(leaf_fn next)
{
	next();
	chain_note = "outermost";
}

static uint64_t *stack_word(size_t i)
{
	return (uint64_t *)(void *)self.bytes + i;
}

/* Is frame @i inside of @fn, which is short? */
static bool frame_is_in(size_t i, const void *fn)
{
	const struct frame *frame;

	if (i >= self.frames.list.n)
		return false;
	frame = vec_at(&self.frames.list, i);
	return frame->addr - (uintptr_t)fn < 128;
}

/* As if what was called before had left nothing among the locals. */
static void clean_locals(void)
{
	memset(self.bytes, 0, 64);
}

static bool is_whole(leaf_fn caller)
{
	return self_walk() == WALK_ROOT &&
	       frame_is_in(1, (const void *)caller) &&
	       frame_is_in(2, (const void *)outermost);
}

TEST(caller_is_found_where_the_code_says)
{
	const struct frame *frame;

	self_setup();
	outermost(call_directly);
	CHECK(is_whole(call_directly));
	frame = vec_at(&self.frames.list, 1);
	CHECK(frame->flags & FRAME_GUESSED);
	frame = vec_at(&self.frames.list, 2);
	CHECK(!(frame->flags & FRAME_GUESSED));
}

TEST(caller_of_a_function_without_cfi_is_found_too)
{
	self_setup();
	outermost(call_without_cfi);
	CHECK(is_whole(call_without_cfi));
}

TEST(caller_is_found_by_its_call_of_the_function)
{
	self_setup();
	outermost(call_alloca);
	CHECK(is_whole(call_alloca));
}

TEST(caller_through_a_pointer_is_found_if_all_ways_go_through_it)
{
	self_setup();
	outermost(call_by_pointer);
	clean_locals();
	CHECK(is_whole(call_by_pointer));
}

TEST(caller_of_a_function_that_was_jumped_to_is_found)
{
	self_setup();
	outermost(call_by_jump);
	clean_locals();
	CHECK(is_whole(call_by_jump));
}

TEST(stale_return_addresses_among_the_locals_lead_nowhere)
{
	self_setup();
	outermost(call_alloca);
	clean_locals();
	/* 64 bytes of locals, rbp, the return address. */
	*stack_word(0) = wait_sp + 24;
	*stack_word(1) = *stack_word(9);
	*stack_word(4) = *stack_word(8);
	*stack_word(5) = *stack_word(9);
	CHECK(is_whole(call_alloca));
}

TEST(without_any_caller_the_frame_pointer_stays_unknown)
{
	self_setup();
	outermost(call_directly);
	for (size_t i = 0; i < self.snapshot.n_bytes / 8; i++)
		*stack_word(i) = i;
	CHECK_EQ(self_walk(), WALK_NO_FP);
	CHECK_EQ(self.frames.list.n, 1);
}

TEST(two_ways_to_the_root_are_none)
{
	uint64_t fp;

	self_setup();
	outermost(call_by_pointer);
	clean_locals();
	/* The return address of another caller, from whose frame one gets to
	 * the same outer ones: to word 11, where outermost()'s is. Built with
	 * frame pointers, outermost() needs its own, from word 10. */
	CHECK_EQ(is_whole(call_by_pointer), true);
	fp = *stack_word(10);
	*stack_word(4) = fp - wait_sp < SELF_BYTES ? fp : *stack_word(8);
	*stack_word(5) = (uintptr_t)behind_wide_call;
	CHECK_EQ(self_walk(), WALK_NO_FP);
}

TEST(without_guesses_the_walk_ends_there)
{
	struct walk_options options = { .method = WALK_DWARF };
	struct unwinder *strict = unwinder_new(&options);

	self_setup();
	outermost(call_directly);
	unwinder_walk(strict, self.space, &self.snapshot, &self.frames);
	CHECK_EQ(self.frames.end, WALK_NO_FP);
	unwinder_free(strict);
}

TEST(garbage_above_a_frame_without_fp_never_crashes_and_always_ends)
{
	unsigned int seed = 5;

	self_setup();
	for (int round = 0; round < 300; round++) {
		outermost(round % 2 ? call_directly : call_by_pointer);
		for (size_t i = 0; i < self.snapshot.n_bytes / 8; i++) {
			uint64_t any = (uint64_t)rand_r(&seed);

			if (any % 4 == 0)
				*stack_word(i) = (uintptr_t)call_directly +
						 any % 256;
			else if (any % 4 == 1)
				*stack_word(i) = wait_sp + any % 4096;
		}
		self_walk();
		CHECK(self.frames.list.n >= 1);
	}
}

TEST(everything_can_be_freed)
{
	self_clear();
}

TEST_MAIN()
