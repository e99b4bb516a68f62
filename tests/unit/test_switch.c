/* SPDX-License-Identifier: MIT */
/*
 * test_switch.c - walks over two stacks, or two parts of one.
 *
 * The test takes snapshots of itself: in a signal handler on a stack of its
 * own, below a frame that is larger than any copy, in a new context.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "unwind/walk.h"
#include "util/io.h"
#include "util/mem.h"

#define NOINLINE __attribute__((noinline, noclone, noipa))
#define PART_BYTES (16 * 1024)
#define LARGE_BYTES (2 << 20)

static struct {
	struct modules modules;
	struct space *space;
	struct unwinder *unwinder;
	struct snapshot snapshot;
	uint8_t bytes[PART_BYTES], other[PART_BYTES];
	struct frames frames;
} self;

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
	self.snapshot = (struct snapshot){ .n_bytes = 0 };
}

/* What is mapped from @addr on, up to a part of it. */
static size_t copy_part(taddr addr, uint8_t *to)
{
	const struct mapping *mapping = space_find(self.space, addr);
	size_t len = PART_BYTES;
	ssize_t n;

	if (mapping && mapping->end - addr < len)
		len = mapping->end - addr;
	n = source_read(NULL, addr, to, len);
	return n > 0 ? (size_t)n : 0;
}

static NOINLINE void capture(void)
{
	/* In the order of enum cpu_reg. */
	static const int gregs[N_REGS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	struct snapshot *snapshot = &self.snapshot;
	ucontext_t uc;

	getcontext(&uc);
	for (int i = 0; i < N_REGS; i++)
		regs_set(&snapshot->regs, (enum cpu_reg)i,
			 (uint64_t)uc.uc_mcontext.gregs[gregs[i]]);
	snapshot->base = snapshot->regs.r[CPU_SP];
	snapshot->bytes = self.bytes;
	snapshot->n_bytes = copy_part(snapshot->base, self.bytes);
	snapshot->is_cut = true;
}

/* Copy what the last walk wanted, as the sampler does; then walk again. */
static void walk_with_other(void)
{
	struct snapshot *snapshot = &self.snapshot;
	taddr at = snapshot_other_address(snapshot, self.frames.other_fp);

	snapshot->other_base = at - OTHER_BYTES_BELOW;
	snapshot->other_bytes = self.other;
	snapshot->n_other_bytes = copy_part(snapshot->other_base, self.other);
	unwinder_walk(self.unwinder, self.space, snapshot, &self.frames);
}

static void walk_alone(void)
{
	unwinder_walk(self.unwinder, self.space, &self.snapshot,
		      &self.frames);
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
	walk_alone();
	if (self.frames.wants_other)
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

	setup();
	CHECK(!sigaltstack(&alternate, NULL));
	CHECK(!sigaction(SIGUSR2, &action, NULL));
	raise_here();
	sigaltstack(&none, NULL);
	CHECK(self.snapshot.n_other_bytes > 0);
	CHECK_EQ(self.frames.end, WALK_ROOT);
	CHECK(has_frame((const void *)on_signal));
	CHECK(has_frame((const void *)raise_here));
	CHECK(!self.frames.wants_other);
	CHECK(self.frames.used_bytes <= self.snapshot.n_bytes);
}

static NOINLINE void large_frame(void)
{
	volatile char large[LARGE_BYTES];

	large[0] = large[LARGE_BYTES - 1] = 1;
	capture();
	walk_alone();
	large[1] = 1;
}

static NOINLINE void call_large_frame(void)
{
	large_frame();
	chain_note = "call_large_frame";
}

TEST(walk_reaches_over_a_frame_larger_than_the_copy)
{
	setup();
	call_large_frame();
	CHECK_EQ(self.frames.end, WALK_CUT);
	CHECK(self.frames.wants_other);
	/* The frame of the caller is still there. */
	walk_with_other();
	CHECK_EQ(self.frames.end, WALK_ROOT);
	CHECK(has_frame((const void *)large_frame));
	CHECK(has_frame((const void *)call_large_frame));
}

static ucontext_t main_context, new_context;

static void in_context(void)
{
	capture();
	walk_alone();
	chain_note = "in_context";
}

TEST(first_function_of_a_context_is_a_root)
{
	static uint8_t stack[64 * 1024];
	const struct frame *last;

	setup();
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
	vec_clear(&self.frames.list);
	unwinder_forget(self.unwinder, self.space);
	space_free(TAKE(self.space));
	unwinder_free(self.unwinder);
	modules_clear(&self.modules);
}

TEST_MAIN()
