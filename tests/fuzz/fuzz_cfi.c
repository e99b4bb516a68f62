/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cfi.c - any bytes as unwind information, through libdw, the compiler
 * of rows and whole walks; the first byte says as which section.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "made_elf.h"
#include "unwind/cfi.h"
#include "unwind/walk.h"
#include "util/io.h"

#define STACK_AT UINT64_C(0x7fff00000000)
#define STACK_BYTES 4096
#define CODE_STEP 256 /* bytes between the addresses that are asked for */

/* Of libelf and libdw themselves: bytes, for files that make no sense. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libelf.so\nleak:libdw.so\n";
}

static const char maps[] = /* as the made file is mapped */
	"10000-12000 r-xp 00000000 00:01 7 /x\n"
	"12000-32000 r--p 00002000 00:01 7 /x\n"
	"7fff00000000-7fff00001000 rw-p 00000000 00:00 0 [stack]\n";

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	(void)mapping;
	return fcntl(*(int *)ctx, F_DUPFD_CLOEXEC, 0);
}

static void run_step(const struct row *row, const struct row_saves *saves,
		     const struct snapshot *snapshot)
{
	struct regs regs = snapshot->regs;

	row_step(row, saves, snapshot, &regs);
}

/* All rows of the code, each tried on @snapshot. */
static void run_rows(int fd, const struct snapshot *snapshot)
{
	struct module module = { .fd = fd, .is_elf = true };
	struct cfi *cfi = cfi_new(&module);

	for (uint64_t at = 0; at < MADE_CODE_BYTES; at += CODE_STEP) {
		struct row_saves saves;
		struct row row;

		cfi_find_row(cfi, MADE_CODE_AT + at, &row, &saves);
		run_step(&row, &saves, snapshot);
	}
	cfi_free(cfi);
}

static void run_walk(int fd, struct snapshot *snapshot,
		     enum walk_method method)
{
	struct walk_options options = { .method = method, .max_depth = 16 };
	struct image_source source = { .open_mapping = open_mapping,
				       .ctx = &fd };
	struct unwinder *unwinder = unwinder_new(&options);
	struct frames frames = { .list = VEC_OF(struct frame) };
	struct modules modules;
	struct space *space;

	modules_init(&modules);
	space = space_new(&modules, &source);
	space_update(space, maps, sizeof(maps) - 1);
	for (uint64_t pc = 0x11000; pc < 0x12000; pc += 4 * CODE_STEP) {
		regs_set(&snapshot->regs, CPU_PC, pc);
		unwinder_walk(unwinder, space, snapshot, &frames);
		if (!frames.list.n || frames.list.n > 16)
			abort();
	}
	unwinder_free(unwinder);
	vec_clear(&frames.list);
	space_free(space);
	modules_clear(&modules);
}

/* A stack of the input's words, and of addresses in the code. */
static void make_stack(const uint8_t *data, size_t size, uint64_t *stack)
{
	for (size_t i = 0; i < STACK_BYTES / 8; i++) {
		uint64_t word = i;

		if (size)
			memcpy(&word, data + i * 8 % size,
			       size - i * 8 % size < 8 ? 1 : 8);
		stack[i] = i % 3 ? 0x11000 + word % 0x1000
				 : STACK_AT + word % STACK_BYTES;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { ".eh_frame", ".debug_frame" };
	uint64_t stack[STACK_BYTES / 8];
	struct snapshot snapshot = { .base = STACK_AT,
				     .bytes = (uint8_t *)stack,
				     .n_bytes = STACK_BYTES };
	uint8_t kind = size ? data[0] : 0, *file;
	size_t n;
	int fd;

	if (size < 2)
		return 0;
	file = made_elf(names[kind & 1], kind & 2, data + 1, size - 1, &n);
	fd = memfd_create("elf", MFD_CLOEXEC);
	if (fd < 0 || !io_write_full(fd, file, n))
		abort();
	make_stack(data + 1, size - 1, stack);
	for (unsigned int i = 0; i < N_REGS; i++)
		regs_set(&snapshot.regs, i, STACK_AT + 128 + 8 * i);
	regs_set(&snapshot.regs, CPU_PC, 0x11000);
	run_rows(fd, &snapshot);
	if (kind & 8) /* slow: 10 ms */
		run_walk(fd, &snapshot, kind & 4 ? WALK_DWARF : WALK_AUTO);
	close(fd);
	free(file);
	return 0;
}
