/* SPDX-License-Identifier: MIT */
/*
 * self.h - a test as its own target: snapshots that it takes of itself, and
 * walks over them. self_setup() in each test; a program has one struct self.
 */
#ifndef TESTS_SELF_H
#define TESTS_SELF_H

#include <fcntl.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "unwind/walk.h"
#include "util/io.h"
#include "util/mem.h"

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone, noipa))
#endif
#define SELF_BYTES (64 * 1024)

static struct {
	struct modules modules;
	struct space *space;
	struct unwinder *unwinder;
	struct snapshot snapshot;
	uint8_t bytes[SELF_BYTES];
	struct frames frames;
} self;

static inline int self_open(void *ctx, const struct mapping *mapping)
{
	(void)ctx;
	return open(mapping->path, O_RDONLY | O_CLOEXEC);
}

static inline ssize_t self_read(void *ctx, taddr addr, void *buf, size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)(uintptr_t)addr, len };

	(void)ctx;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static inline char *self_maps(void *ctx, size_t *out_len)
{
	(void)ctx;
	return io_read_file("/proc/self/maps", 1 << 20, out_len);
}

static inline void self_setup(void)
{
	struct walk_options options = { .method = WALK_AUTO };
	struct image_source source = { .open_mapping = self_open,
				       .read_memory = self_read,
				       .read_maps = self_maps };

	if (!self.space) {
		modules_init(&self.modules);
		self.space = space_new(&self.modules, &source);
		self.unwinder = unwinder_new(&options);
	}
	space_refresh(self.space);
	self.snapshot = (struct snapshot){ .n_bytes = 0 };
}

static inline void self_clear(void)
{
	vec_clear(&self.frames.list);
	unwinder_forget(self.unwinder, self.space);
	space_free(TAKE(self.space));
	unwinder_free(self.unwinder);
	modules_clear(&self.modules);
}

/*
 * Up to @max bytes from @addr on, as far as they are mapped. Not by memcpy():
 * what is below sp is nobody's, says a sanitizer.
 */
static inline size_t self_copy(taddr addr, uint8_t *to, size_t max)
{
	const struct mapping *mapping = space_find(self.space, addr);
	ssize_t n;

	if (mapping && mapping->end - addr < max)
		max = mapping->end - addr;
	n = self_read(NULL, addr, to, max);
	return n > 0 ? (size_t)n : 0;
}

/* Let the snapshot hold up to @max bytes from @base on. */
static inline void self_take(taddr base, size_t max)
{
	struct snapshot *snapshot = &self.snapshot;
	const struct mapping *stack = space_find(self.space, base);

	snapshot->base = base;
	snapshot->bytes = self.bytes;
	snapshot->n_bytes = self_copy(base, self.bytes, max);
	snapshot->is_cut = stack && base + snapshot->n_bytes < stack->end;
}

/* Let the snapshot have the registers of @uc; returns its sp. */
static inline taddr self_take_regs(const ucontext_t *uc)
{
	/* In the order of enum cpu_reg. */
	static const int gregs[N_REGS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	struct regs *regs = &self.snapshot.regs;

	for (int i = 0; i < N_REGS; i++)
		regs_set(regs, (enum cpu_reg)i,
			 (uint64_t)uc->uc_mcontext.gregs[gregs[i]]);
	return regs->r[CPU_SP];
}

static inline enum walk_end self_walk(void)
{
	unwinder_walk(self.unwinder, self.space, &self.snapshot,
		      &self.frames);
	return self.frames.end;
}

#endif
