/* SPDX-License-Identifier: MIT */
/*
 * test_switch.c - walks over two stacks, or two parts of one.
 *
 * The test takes snapshots of itself: in a signal handler on a stack of its
 * own, below a frame that is larger than any copy, in a new context.
 */
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "self.h"

#define PART_BYTES (16 * 1024)
#define LARGE_BYTES (2 << 20)

static uint8_t other_bytes[PART_BYTES];

static NOINLINE void capture(void)
{
	ucontext_t uc;

	getcontext(&uc);
	self_take(self_take_regs(&uc), PART_BYTES);
	self.snapshot.is_cut = true;
}

/* Copy what the last walk wanted, as the sampler does; then walk again. */
static void walk_with_other(void)
{
	struct snapshot *snapshot = &self.snapshot;
	taddr at = snapshot_other_address(snapshot, self.frames.other_fp);

	snapshot->other_base = at - OTHER_BYTES_BELOW;
	snapshot->other_bytes = other_bytes;
	snapshot->n_other_bytes = self_copy(snapshot->other_base, other_bytes,
					    PART_BYTES);
	self_walk();
}

/* Whether some frame is inside of @fn, which is short. */
static bool has_frame(const void *fn)
{
	for (size_t i = 0; i < self.frames.list.n; i++) {
		const struct frame *frame = vec_at(&self.frames.list, i);

		if (frame->addr - (uintptr_t)fn < 256)
			return true;
	}
	return false;
}

static const char *volatile chain_note;

static void on_signal(int signo)
{
	(void)signo;
	capture();
	/* While what was interrupted still is as it was. */
	self_walk();
	if (self.frames.other_fp)
		walk_with_other();
	chain_note = "on_signal";
}

static NOINLINE void raise_here(void)
{
	raise(SIGUSR2);
	chain_note = "raise_here";
}

TEST(walk_goes_from_the_stack_of_a_handler_to_the_interrupted_one)
{
	static uint8_t bytes[64 * 1024] __attribute__((aligned(4096)));
	stack_t alternate = { .ss_sp = bytes, .ss_size = sizeof(bytes) };
	stack_t none = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_ONSTACK };

	self_setup();
	CHECK(!sigaltstack(&alternate, NULL));
	CHECK(!sigaction(SIGUSR2, &action, NULL));
	raise_here();
	sigaltstack(&none, NULL);
	CHECK(self.snapshot.n_other_bytes > 0);
	CHECK_EQ(self.frames.end, WALK_ROOT);
	CHECK(has_frame((const void *)on_signal));
	CHECK(has_frame((const void *)raise_here));
	CHECK(self.frames.used_bytes <= self.snapshot.n_bytes);
}

/* AddressSanitizer may keep the variables of a frame elsewhere. */
__attribute__((no_sanitize_address))
static NOINLINE void large_frame(enum walk_end *first_end)
{
	volatile char large[LARGE_BYTES];

	large[0] = large[LARGE_BYTES - 1] = 1;
	capture();
	/* While the caller's frame still is as it was. */
	*first_end = self_walk();
	if (self.frames.other_fp)
		walk_with_other();
	large[1] = 1;
}

static NOINLINE void call_large_frame(enum walk_end *first_end)
{
	large_frame(first_end);
	chain_note = "call_large_frame";
}

TEST(walk_reaches_over_a_frame_larger_than_the_copy)
{
	enum walk_end first_end = WALK_ROOT;

	self_setup();
	call_large_frame(&first_end);
	CHECK_EQ(first_end, WALK_CUT);
	CHECK(self.snapshot.n_other_bytes > 0);
	CHECK_EQ(self.frames.end, WALK_ROOT);
	CHECK(has_frame((const void *)large_frame));
	CHECK(has_frame((const void *)call_large_frame));
}

static ucontext_t main_context, new_context;

static void in_context(void)
{
	capture();
	self_walk();
	chain_note = "in_context";
}

TEST(first_function_of_a_context_is_a_root)
{
	static uint8_t stack[64 * 1024];
	const struct frame *last;

	self_setup();
	getcontext(&new_context);
	new_context.uc_stack.ss_sp = stack;
	new_context.uc_stack.ss_size = sizeof(stack);
	new_context.uc_link = &main_context;
	makecontext(&new_context, in_context, 0);
	swapcontext(&main_context, &new_context);
	CHECK(has_frame((const void *)in_context));
	CHECK_EQ(self.frames.end, WALK_ROOT);
	CHECK_EQ(self.frames.list.n, 3);
	last = vec_at(&self.frames.list, 2);
	CHECK(!(last->flags & FRAME_GUESSED));
}

TEST(chain_of_frame_pointers_leads_to_the_other_stack)
{
	const taddr base = 0x7f0000000000, elsewhere = 0xc000100000;
	uint64_t stack[32] = { 0 };
	struct snapshot snapshot = {
		.base = base,
		.bytes = (const uint8_t *)stack,
		.n_bytes = sizeof(stack),
	};

	regs_set(&snapshot.regs, CPU_SP, base + 8);
	CHECK_EQ(snapshot_find_other(&snapshot), 0);
	regs_set(&snapshot.regs, CPU_FP, base + 4 * 8);
	CHECK_EQ(snapshot_find_other(&snapshot), 0);
	stack[4] = base + 9 * 8;
	stack[9] = elsewhere + 24;
	CHECK_EQ(snapshot_find_other(&snapshot), elsewhere + 24);
	/* Not outwards, not aligned: no chain. */
	stack[9] = base + 3 * 8;
	CHECK_EQ(snapshot_find_other(&snapshot), 0);
	stack[9] = elsewhere + 25;
	CHECK_EQ(snapshot_find_other(&snapshot), 0);
	regs_set(&snapshot.regs, CPU_FP, elsewhere);
	CHECK_EQ(snapshot_find_other(&snapshot), elsewhere);
}

TEST(what_the_last_walk_wanted_is_taken_where_there_is_no_chain)
{
	const taddr base = 0x7f0000000000, last = 0x7f0010000000;
	uint64_t stack[32] = { 0 };
	struct snapshot snapshot = {
		.base = base,
		.bytes = (const uint8_t *)stack,
		.n_bytes = sizeof(stack),
	};

	CHECK_EQ(snapshot_other_address(&snapshot, last), last);
	regs_set(&snapshot.regs, CPU_SP, base + 8);
	regs_set(&snapshot.regs, CPU_FP, 0xc000100000);
	CHECK_EQ(snapshot_other_address(&snapshot, last), 0xc000100000);
	CHECK_EQ(snapshot_other_address(&snapshot, last | OTHER_EXACTLY),
		 last);
	regs_set(&snapshot.regs, CPU_FP, base + 32);
	stack[4] = 0xc000100000;
	CHECK_EQ(snapshot_other_address(&snapshot, last | OTHER_EXACTLY),
		 0xc000100000);
}

TEST(everything_can_be_freed)
{
	self_clear();
}

TEST_MAIN()
