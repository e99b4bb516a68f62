/* SPDX-License-Identifier: MIT */
/*
 * test_fp_search.c - stacks of blocked threads whose functions have frame
 * pointers: only pc and sp are known of them.
 *
 * The function that waits is written in assembler; the snapshot is taken by
 * what it calls, and then made that of the waiting function itself.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "unwind/walk.h"
#include "util/io.h"
#include "util/mem.h"

#define NOINLINE __attribute__((noinline, noclone, noipa))
#define STACK_BYTES (64 * 1024)

typedef void (*leaf_fn)(void);

static struct {
	struct modules modules;
	struct space *space;
	struct unwinder *unwinder;
	struct snapshot snapshot;
	uint8_t bytes[STACK_BYTES];
	struct frames frames;
} self;

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

static int source_open(void *ctx, const struct mapping *mapping)
{
	(void)ctx;
	return open(mapping->path, O_RDONLY | O_CLOEXEC);
}

static ssize_t source_read(void *ctx, taddr addr, void *buf, size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };

	(void)ctx;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static char *source_maps(void *ctx, size_t *out_len)
{
	(void)ctx;
	return io_read_file("/proc/self/maps", 1 << 20, out_len);
}

static void setup(void)
{
	struct walk_options options = { .method = WALK_AUTO };
	struct image_source source = { .open_mapping = source_open,
				       .read_memory = source_read,
				       .read_maps = source_maps };

	if (!self.space) {
		modules_init(&self.modules);
		self.space = space_new(&self.modules, &source);
		self.unwinder = unwinder_new(&options);
	}
	space_refresh(self.space);
}

/* Copy the stack from the waiting function on, with its pc and sp. */
static NOINLINE void capture(void)
{
	struct snapshot *snapshot = &self.snapshot;
	const struct mapping *stack = space_find(self.space, wait_sp);
	size_t len = STACK_BYTES;

	snapshot->base = wait_sp;
	if (stack && stack->end - wait_sp < len)
		len = stack->end - wait_sp;
	snapshot->n_bytes = (size_t)source_read(NULL, wait_sp, self.bytes,
						len);
	snapshot->bytes = self.bytes;
	snapshot->is_cut = stack && wait_sp + len < stack->end;
	snapshot->regs.known = 0;
	regs_set(&snapshot->regs, CPU_PC, wait_pc);
	regs_set(&snapshot->regs, CPU_SP, wait_sp);
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

static enum walk_end walk(void)
{
	unwinder_walk(self.unwinder, self.space, &self.snapshot,
		      &self.frames);
	return self.frames.end;
}

static bool is_whole(leaf_fn caller)
{
	return walk() == WALK_ROOT && frame_is_in(1, (const void *)caller) &&
	       frame_is_in(2, (const void *)outermost);
}

TEST(caller_is_found_where_the_code_says)
{
	const struct frame *frame;

	setup();
	outermost(call_directly);
	CHECK(is_whole(call_directly));
	frame = vec_at(&self.frames.list, 1);
	CHECK(frame->flags & FRAME_GUESSED);
	frame = vec_at(&self.frames.list, 2);
	CHECK(!(frame->flags & FRAME_GUESSED));
}

TEST(caller_of_a_function_without_cfi_is_found_too)
{
	setup();
	outermost(call_without_cfi);
	CHECK(is_whole(call_without_cfi));
}

TEST(caller_is_found_by_its_call_of_the_function)
{
	setup();
	outermost(call_alloca);
	CHECK(is_whole(call_alloca));
}

TEST(caller_through_a_pointer_is_found_if_all_ways_go_through_it)
{
	setup();
	outermost(call_by_pointer);
	clean_locals();
	CHECK(is_whole(call_by_pointer));
}

TEST(caller_of_a_function_that_was_jumped_to_is_found)
{
	setup();
	outermost(call_by_jump);
	clean_locals();
	CHECK(is_whole(call_by_jump));
}

TEST(stale_return_addresses_among_the_locals_lead_nowhere)
{
	setup();
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
	setup();
	outermost(call_directly);
	for (size_t i = 0; i < self.snapshot.n_bytes / 8; i++)
		*stack_word(i) = i;
	CHECK_EQ(walk(), WALK_NO_FP);
	CHECK_EQ(self.frames.list.n, 1);
}

TEST(two_ways_to_the_root_are_none)
{
	setup();
	outermost(call_by_pointer);
	clean_locals();
	/* The return address of another caller, from whose frame one gets to
	 * the same outer ones: to word 11, where outermost()'s is. */
	CHECK_EQ(is_whole(call_by_pointer), true);
	*stack_word(5) = (uintptr_t)behind_wide_call;
	CHECK_EQ(walk(), WALK_NO_FP);
}

TEST(without_guesses_the_walk_ends_there)
{
	struct walk_options options = { .method = WALK_DWARF };
	struct unwinder *strict = unwinder_new(&options);

	setup();
	outermost(call_directly);
	unwinder_walk(strict, self.space, &self.snapshot, &self.frames);
	CHECK_EQ(self.frames.end, WALK_NO_FP);
	unwinder_free(strict);
}

TEST(garbage_above_a_frame_without_fp_never_crashes_and_always_ends)
{
	unsigned int seed = 5;

	setup();
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
		walk();
		CHECK(self.frames.list.n >= 1);
	}
}

TEST(everything_can_be_freed)
{
	vec_clear(&self.frames.list);
	unwinder_forget(self.unwinder, self.space);
	space_free(TAKE(self.space));
	unwinder_free(self.unwinder);
	modules_clear(&self.modules);
}

TEST_MAIN()
