/* SPDX-License-Identifier: MIT */
/*
 * test_walk.c - walks over snapshots that the test takes of itself.
 *
 * A chain of functions calls capture(), which copies its registers and its
 * stack; the walk must then name the chain. Frames that no compiler makes on
 * demand are written in assembler, with the CFI that is to be tested.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "self.h"

typedef void (*leaf_fn)(void);

static sigjmp_buf escape;

/* Keep the stack at @uc, up to the end of its mapping. */
static NOINLINE void snapshot_from(const ucontext_t *uc)
{
	self_take(self_take_regs(uc) - RED_ZONE_BYTES, SELF_BYTES);
}

static NOINLINE void capture(void)
{
	ucontext_t uc;

	getcontext(&uc);
	snapshot_from(&uc);
}

/* Written behind a call, so that it cannot become a jump. */
static const char *volatile chain_note;

static NOINLINE void inner(leaf_fn next)
{
	next();
	chain_note = "inner";
}

static NOINLINE void outer(leaf_fn next)
{
	inner(next);
	chain_note = "outer";
}

/* As inner(), but with every callee-saved register saved and spoilt. */
static NOINLINE void spoiler(leaf_fn next)
{
	__asm__ volatile("xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\t"
			 "xor %%r13d, %%r13d\n\txor %%r14d, %%r14d\n\t"
			 "xor %%r15d, %%r15d"
			 : : : "rbx", "r12", "r13", "r14", "r15");
	next();
	__asm__ volatile("" : : : "rbx", "r12", "r13", "r14", "r15");
}

static NOINLINE void spoil_and_capture(void)
{
	spoiler(capture);
	chain_note = "spoil_and_capture";
}

/* Frames in assembler. */
void with_deref(leaf_fn next);
void with_rbx_cfa(leaf_fn next);
void with_hard_cfa(leaf_fn next);
void without_cfi(leaf_fn next);
void with_drap(leaf_fn next);

__asm__(".text\n"
	".globl with_deref\n"
	"with_deref:\n"
	"	.cfi_startproc\n"
	"	mov %rsp, %rax\n"
	"	.cfi_def_cfa_register %rax\n"
	"	sub $96, %rsp\n"
	"	and $-64, %rsp\n"
	"	mov %rax, 16(%rsp)\n"
	/* DW_CFA_def_cfa_expression: breg7 16; deref; plus_uconst 8 */
	"	.cfi_escape 0x0f, 5, 0x77, 16, 0x06, 0x23, 8\n"
	"	call *%rdi\n"
	"	mov 16(%rsp), %rsp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n");

__asm__(".globl with_rbx_cfa\n"
	"with_rbx_cfa:\n"
	"	.cfi_startproc\n"
	"	push %rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbx, -16\n"
	"	mov %rsp, %rbx\n"
	"	.cfi_def_cfa_register %rbx\n"
	"	sub $128, %rsp\n"
	"	and $-64, %rsp\n"
	"	call *%rdi\n"
	"	mov %rbx, %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	pop %rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n");

__asm__(".globl with_hard_cfa\n"
	"with_hard_cfa:\n"
	"	.cfi_startproc\n"
	"	push %r13\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %r13, -16\n"
	"	mov %rsp, %r13\n"
	/* def_cfa_expression: breg13 8; lit8; plus */
	"	.cfi_escape 0x0f, 4, 0x7d, 8, 0x38, 0x22\n"
	"	sub $128, %rsp\n"
	"	and $-64, %rsp\n"
	"	call *%rdi\n"
	"	mov %r13, %rsp\n"
	"	.cfi_def_cfa %rsp, 16\n"
	"	pop %r13\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n");

__asm__(".globl without_cfi\n"
	"without_cfi:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	call *%rdi\n"
	"	pop %rbp\n"
	"	ret\n");

/* A stack realigned the way that GCC does it. */
__asm__(".globl with_drap\n"
	"with_drap:\n"
	"	.cfi_startproc\n"
	"	lea 8(%rsp), %r10\n"
	"	.cfi_def_cfa %r10, 0\n"
	"	and $-64, %rsp\n"
	"	push -8(%r10)\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_escape 0x10, 6, 2, 0x76, 0\n" /* rbp at breg6 0 */
	"	push %r10\n"
	"	.cfi_escape 0x0f, 3, 0x76, 0x78, 6\n" /* breg6 -8; deref */
	"	sub $56, %rsp\n"
	"	call *%rdi\n"
	"	add $56, %rsp\n"
	"	pop %r10\n"
	"	.cfi_def_cfa %r10, 0\n"
	"	pop %rbp\n"
	"	lea -8(%r10), %rsp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n");

static void walk(struct frames *frames)
{
	unwinder_walk(self.unwinder, self.space, &self.snapshot, frames);
}

/* The index of the frame inside of @fn, which is short; or -1. */
static int frame_of(const struct frames *frames, const void *fn)
{
	for (size_t i = 0; i < frames->list.n; i++) {
		const struct frame *frame = vec_at(&frames->list, i);

		if (frame->addr - (uintptr_t)fn < 256 &&
		    frame->addr >= (uintptr_t)fn)
			return (int)i;
	}
	return -1;
}

static bool same_frames(const struct frames *a, const struct frames *b)
{
	if (a->list.n != b->list.n || a->end != b->end)
		return false;
	for (size_t i = 0; i < a->list.n; i++) {
		const struct frame *x = vec_at(&a->list, i);
		const struct frame *y = vec_at(&b->list, i);

		if (x->addr != y->addr || x->mapping_id != y->mapping_id)
			return false;
	}
	return true;
}

/* Capture below @middle, and check the chain capture..middle..outer..root. */
static bool walks_through(void (*middle)(leaf_fn), leaf_fn leaf,
			  struct frames *frames)
{
	struct frames other = { 0 };
	bool is_same;

	self_setup();
	memset(frames, 0, sizeof(*frames));
	middle(leaf);
	walk(frames);
	unwinder_walk_libunwind(self.unwinder, self.space, &self.snapshot,
				&other);
	is_same = same_frames(frames, &other);
	vec_clear(&other.list);
	return is_same && frames->end == WALK_ROOT &&
	       frame_of(frames, (const void *)middle) > 0;
}

TEST(walk_names_the_chain_of_callers_to_the_root)
{
	struct frames frames;
	int i;

	CHECK(walks_through(outer, capture, &frames));
	i = frame_of(&frames, (const void *)inner);
	CHECK_EQ(frame_of(&frames, (const void *)capture), i - 1);
	CHECK_EQ(frame_of(&frames, (const void *)outer), i + 1);
	vec_clear(&frames.list);
}

TEST(walk_again_gives_the_same_from_the_cache)
{
	struct frames a, b = { 0 };
	uint64_t lookups;

	CHECK(walks_through(outer, capture, &a));
	lookups = unwinder_counts(self.unwinder)->row_lookups;
	walk(&b);
	CHECK_EQ(unwinder_counts(self.unwinder)->row_lookups, lookups);
	CHECK(same_frames(&a, &b));
	vec_clear(&a.list);
	vec_clear(&b.list);
}

TEST(walk_goes_through_a_cfa_kept_in_memory)
{
	struct frames frames;

	CHECK(walks_through(with_deref, capture, &frames));
	CHECK_EQ(unwinder_counts(self.unwinder)->libunwind_steps, 0);
	vec_clear(&frames.list);
}

TEST(walk_goes_through_a_realigned_stack)
{
	struct frames frames;

	CHECK(walks_through(with_drap, capture, &frames));
	CHECK_EQ(unwinder_counts(self.unwinder)->libunwind_steps, 0);
	vec_clear(&frames.list);
}

TEST(walk_finds_rbx_where_inner_frames_saved_it)
{
	struct frames frames;

	CHECK(walks_through(with_rbx_cfa, spoil_and_capture, &frames));
	CHECK_EQ(unwinder_counts(self.unwinder)->libunwind_steps, 0);
	vec_clear(&frames.list);
}

TEST(libunwind_steps_out_of_a_hard_row_with_the_right_registers)
{
	uint64_t before;
	struct frames frames;

	self_setup();
	before = unwinder_counts(self.unwinder)->libunwind_steps;
	CHECK(walks_through(with_hard_cfa, spoil_and_capture, &frames));
	CHECK_EQ(unwinder_counts(self.unwinder)->libunwind_steps, before + 1);
	vec_clear(&frames.list);
}

TEST(frame_without_cfi_is_left_by_frame_pointer_and_marked)
{
	struct frames frames = { 0 };
	const struct frame *caller;
	int i;

	self_setup();
	without_cfi(capture);
	walk(&frames);
	i = frame_of(&frames, (const void *)without_cfi);
	CHECK(i > 0);
	caller = vec_at(&frames.list, (size_t)i + 1);
	CHECK(caller->flags & FRAME_GUESSED);
	vec_clear(&frames.list);
}

TEST(dwarf_method_does_not_guess)
{
	struct walk_options options = { .method = WALK_DWARF };
	struct unwinder *strict = unwinder_new(&options);
	struct frames frames = { 0 };

	self_setup();
	without_cfi(capture);
	unwinder_walk(strict, self.space, &self.snapshot, &frames);
	CHECK_EQ(frames.end, WALK_NO_RULE);
	CHECK_EQ(frame_of(&frames, (const void *)without_cfi),
		 frames.list.n - 1);
	unwinder_free(strict);
	vec_clear(&frames.list);
}

static void on_signal(int signo)
{
	(void)signo;
	capture();
	chain_note = "on_signal";
}

static NOINLINE void raise_here(void)
{
	raise(SIGUSR1);
	chain_note = "raise_here";
}

TEST(walk_goes_on_below_a_signal_frame)
{
	struct frames frames;

	signal(SIGUSR1, on_signal);
	CHECK(walks_through(outer, raise_here, &frames));
	CHECK(frame_of(&frames, (const void *)on_signal) > 0);
	CHECK(frame_of(&frames, (const void *)raise_here) > 0);
	vec_clear(&frames.list);
}

TEST(walk_from_another_stack_ends_where_the_bytes_do)
{
	static uint8_t bytes[32 * 1024] __attribute__((aligned(4096)));
	stack_t alternate = { .ss_sp = bytes, .ss_size = sizeof(bytes) };
	stack_t none = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_ONSTACK };
	struct frames frames = { 0 };

	self_setup();
	CHECK(!sigaltstack(&alternate, NULL));
	CHECK(!sigaction(SIGUSR2, &action, NULL));
	raise(SIGUSR2);
	sigaltstack(&none, NULL);
	walk(&frames);
	CHECK(frame_of(&frames, (const void *)on_signal) > 0);
	CHECK(frames.end == WALK_CUT || frames.end == WALK_BAD_STACK);
	vec_clear(&frames.list);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)info;
	snapshot_from(context);
	siglongjmp(escape, 1);
}

static NOINLINE void call_nowhere(leaf_fn target)
{
	target();
	chain_note = "call_nowhere";
}

TEST(call_through_a_null_pointer_is_charged_to_its_caller)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };
	static leaf_fn volatile nowhere;
	struct frames frames = { 0 };
	const struct frame *leaf;

	self_setup();
	CHECK(!sigaction(SIGSEGV, &action, NULL));
	if (!sigsetjmp(escape, 1))
		call_nowhere(nowhere);
	signal(SIGSEGV, SIG_DFL);
	walk(&frames);
	leaf = vec_at(&frames.list, 0);
	CHECK_EQ(leaf->mapping_id, NO_ID);
	CHECK_EQ(frame_of(&frames, (const void *)call_nowhere), 1);
	CHECK_EQ(frames.end, WALK_ROOT);
	vec_clear(&frames.list);
}

/* glibc's vfork(): the child would write over what lies on the stack. */
void address_in_rdi(void);
__asm__(".globl address_in_rdi\n"
	"address_in_rdi:\n"
	"	.cfi_startproc\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_register %rip, %rdi\n"
	"	hlt\n"
	"	.cfi_endproc\n");

TEST(return_address_may_be_in_a_register_alone)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };
	struct frames frames = { 0 };

	self_setup();
	CHECK(!sigaction(SIGSEGV, &action, NULL));
	if (!sigsetjmp(escape, 1))
		call_nowhere(address_in_rdi);
	signal(SIGSEGV, SIG_DFL);
	walk(&frames);
	CHECK_EQ(frame_of(&frames, (const void *)address_in_rdi), 0);
	CHECK_EQ(frame_of(&frames, (const void *)call_nowhere), 1);
	CHECK_EQ(frames.end, WALK_ROOT);
	vec_clear(&frames.list);
}

TEST(walk_of_a_cut_snapshot_says_so)
{
	struct frames frames;

	CHECK(walks_through(outer, capture, &frames));
	self.snapshot.n_bytes = 256;
	self.snapshot.is_cut = true;
	walk(&frames);
	CHECK_EQ(frames.end, WALK_CUT);
	self.snapshot.n_bytes = 0;
	walk(&frames);
	CHECK_EQ(frames.end, WALK_CUT);
	CHECK_EQ(frames.list.n, 1);
	vec_clear(&frames.list);
}

TEST(walk_stops_at_the_depth_that_was_asked_for)
{
	struct walk_options options = { .max_depth = 3 };
	struct unwinder *shallow = unwinder_new(&options);
	struct frames frames;

	CHECK(walks_through(outer, capture, &frames));
	for (int i = 0; i < 2; i++) {
		unwinder_walk(shallow, self.space, &self.snapshot, &frames);
		CHECK_EQ(frames.end, WALK_DEPTH);
		CHECK_EQ(frames.list.n, 3);
	}
	unwinder_free(shallow);
	vec_clear(&frames.list);
}

TEST(blocked_thread_is_walked_from_pc_and_sp_alone)
{
	struct frames full, blocked = { 0 };

	CHECK(walks_through(outer, spoil_and_capture, &full));
	self.snapshot.regs.known = 1u << CPU_PC | 1u << CPU_SP;
	walk(&blocked);
	/* Built with frame pointers, capture() itself needs rbp. */
	if (blocked.end == WALK_NO_FP)
		CHECK_EQ(blocked.list.n, 1);
	else
		CHECK(same_frames(&full, &blocked));
	vec_clear(&full.list);
	vec_clear(&blocked.list);
}

TEST(blocked_thread_whose_frame_needs_fp_ends_with_that_reason)
{
	struct frames frames;

	/* Right behind "mov %rsp, %rbp; push %r10" of with_drap. */
	CHECK(walks_through(with_drap, capture, &frames));
	self.snapshot.regs.known = 1u << CPU_PC | 1u << CPU_SP;
	self.snapshot.regs.r[CPU_PC] = (uintptr_t)with_drap + 20;
	walk(&frames);
	CHECK_EQ(frames.end, WALK_NO_FP);
	CHECK_EQ(frames.list.n, 1);
	vec_clear(&frames.list);
}

TEST(frame_pointer_method_asks_no_rule)
{
	struct walk_options options = { .method = WALK_FP };
	struct unwinder *chain = unwinder_new(&options);
	struct frames frames = { 0 };

	self_setup();
	without_cfi(capture);
	unwinder_walk(chain, self.space, &self.snapshot, &frames);
	CHECK(frames.list.n >= 1);
	CHECK_EQ(unwinder_counts(chain)->row_hits, 0);
	unwinder_free(chain);
	vec_clear(&frames.list);
}

TEST(code_that_moved_is_looked_up_anew)
{
	struct frames a, b = { 0 };
	const struct mapping *old;
	const struct frame *frame;

	CHECK(walks_through(outer, capture, &a));
	space_reset(self.space);
	/* Or the maps may not be read again so soon. */
	unwinder_forget(self.unwinder, self.space);
	walk(&b);
	/* The maps were read again, and the ids are new. */
	frame = vec_at(&a.list, 0);
	old = space_mapping(self.space, frame->mapping_id);
	CHECK(!old->is_live);
	CHECK_EQ(a.list.n, b.list.n);
	CHECK(!same_frames(&a, &b));
	CHECK_EQ(b.end, WALK_ROOT);
	vec_clear(&a.list);
	vec_clear(&b.list);
}

/* Random registers and stacks with real return addresses strewn in. */
TEST(garbage_never_crashes_and_always_ends)
{
	struct frames frames, other = { 0 };
	unsigned int seed = 1;

	CHECK(walks_through(outer, capture, &frames));
	for (int i = 0; i < 3000; i++) {
		struct snapshot *s = &self.snapshot;
		taddr code = (uintptr_t)capture + rand_r(&seed) % 4096;

		for (size_t k = 0; k + 8 <= s->n_bytes; k += 8) {
			uint64_t word = (uint64_t)rand_r(&seed) << 32 |
					(uint64_t)rand_r(&seed);

			if (k % 24 == 0)
				word = s->base + word % s->n_bytes;
			else if (k % 16 == 0)
				word = code + word % 8192;
			memcpy(self.bytes + k, &word, 8);
		}
		s->regs.r[CPU_PC] = i % 8 ? code : (uint64_t)rand_r(&seed);
		s->regs.r[CPU_FP] = s->base + (uint64_t)rand_r(&seed) % 4096;
		s->regs.known = i % 3 ? REGS_ALL_KNOWN : 0x10080;
		walk(&frames);
		unwinder_walk_libunwind(self.unwinder, self.space, s, &other);
		CHECK(frames.list.n >= 1);
	}
	vec_clear(&frames.list);
	vec_clear(&other.list);
}

TEST(forgetting_a_space_and_freeing_all_leaves_nothing)
{
	self_clear();
}

TEST_MAIN()
