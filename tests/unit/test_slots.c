/* SPDX-License-Identifier: MIT */
/* test_slots.c - the words that lead to malloc, in a memory made by hand. */
#include <elf.h>
#include <link.h>
#include <sys/mman.h>

#include "check.h"
#include "heap/slots.h"
#include "util/mem.h"

/*
 * A file stands for the memory: what a real one has, a program and a libc,
 * each with a dynamic segment, symbols, strings and relocations.
 */
#define PROGRAM 0x10000u
#define LIBC 0x20000u
#define DYNAMIC 0x8000u /* of each */
#define SYMBOLS 0x1000u
#define STRINGS 0x1100u
#define RELOCS 0x1200u
#define SLOT 0x2000u
#define LAZY 0x3000u /* in the PLT */
#define DEBUG 0x100u
#define MAP 0x200u
#define MALLOC (LIBC + 0x4000)
#define FREE (LIBC + 0x5000)
#define WRAPPER 0x777000u

static const char strings[] = "\0malloc\0free\0libc.so.6";

struct world {
	int fd;
	char *bytes;
};

static void *at(struct world *world, uint64_t addr)
{
	return world->bytes + addr;
}

static void put_word(struct world *world, uint64_t addr, uint64_t value)
{
	memcpy(at(world, addr), &value, sizeof(value));
}

static uint64_t word(struct world *world, uint64_t addr)
{
	uint64_t value;

	memcpy(&value, at(world, addr), sizeof(value));
	return value;
}

static void put_module(struct world *world, uint64_t base, bool defines)
{
	Elf64_Dyn dynamic[] = {
		{ DT_SYMTAB, { SYMBOLS } }, { DT_STRTAB, { STRINGS } },
		{ DT_STRSZ, { sizeof(strings) } }, { DT_JMPREL, { RELOCS } },
		{ DT_PLTRELSZ, { 2 * sizeof(Elf64_Rela) } },
		{ DT_NULL, { 0 } },
	};
	Elf64_Sym symbols[3] = { { 0 } };
	Elf64_Rela relocs[2];

	for (unsigned int i = 0; i < 2; i++) {
		symbols[i + 1].st_name = i ? 8 : 1;
		symbols[i + 1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
		symbols[i + 1].st_shndx = defines ? 5 : SHN_UNDEF;
		symbols[i + 1].st_value = defines ? 0x4000 + 0x1000 * i : 0;
		relocs[i].r_offset = SLOT + 8 * i;
		relocs[i].r_info = ELF64_R_INFO(i + 1, R_X86_64_JUMP_SLOT);
		relocs[i].r_addend = 0;
		put_word(world, base + SLOT + 8 * i, base + LAZY + 16 * i);
	}
	memcpy(at(world, base + DYNAMIC), dynamic, sizeof(dynamic));
	memcpy(at(world, base + SYMBOLS), symbols, sizeof(symbols));
	memcpy(at(world, base + STRINGS), strings, sizeof(strings));
	memcpy(at(world, base + RELOCS), relocs, sizeof(relocs));
}

static void put_map(struct world *world, int i, uint64_t base, uint64_t next)
{
	uint64_t addr = MAP + 0x40 * (uint64_t)i;

	put_word(world, addr, base);
	put_word(world, addr + 8, base + STRINGS + (i == 1 ? 13 : 0));
	put_word(world, addr + 16, base + DYNAMIC);
	put_word(world, addr + 24, next);
}

static void world_init(struct world *world, struct slots *slots)
{
	struct r_debug debug = { .r_version = 1,
				 .r_map = (struct link_map *)MAP };

	world->fd = memfd_create("test", MFD_CLOEXEC);
	if (ftruncate(world->fd, 0x40000))
		abort();
	world->bytes = mmap(NULL, 0x40000, PROT_READ | PROT_WRITE, MAP_SHARED,
			    world->fd, 0);
	memcpy(at(world, DEBUG), &debug, sizeof(debug));
	put_module(world, PROGRAM, false);
	put_module(world, LIBC, true);
	put_map(world, 0, PROGRAM, MAP + 0x40);
	put_map(world, 1, LIBC, 0);
	slots_init(slots);
	for (size_t i = 0; i < N_AGENT_FUNCTIONS; i++)
		slots->wrappers[i] = WRAPPER + 16 * i;
}

static void world_clear(struct world *world, struct slots *slots)
{
	slots_clear(slots);
	munmap(world->bytes, 0x40000);
	close(world->fd);
}

TEST(slots_are_found_patched_and_put_back)
{
	struct world world;
	struct slots slots;

	world_init(&world, &slots);
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	CHECK_EQ(slots.originals[AGENT_MALLOC], MALLOC);
	CHECK_EQ(slots.originals[AGENT_FREE], FREE);
	CHECK(slots.is_libc);
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 4);
	CHECK_EQ(word(&world, PROGRAM + SLOT), WRAPPER);
	CHECK_EQ(word(&world, LIBC + SLOT + 8), WRAPPER + 16);
	CHECK(!slots_are_stale(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 0);
	slots_restore(&slots, world.fd);
	CHECK_EQ(word(&world, PROGRAM + SLOT), PROGRAM + LAZY);
	CHECK_EQ(word(&world, LIBC + SLOT + 8), LIBC + LAZY + 16);
	world_clear(&world, &slots);
}

TEST(slots_that_somebody_else_has_changed_are_left_alone)
{
	struct world world;
	struct slots slots;

	world_init(&world, &slots);
	put_word(&world, PROGRAM + SLOT, 0x3f123); /* another malloc */
	put_word(&world, PROGRAM + SLOT + 8, FREE); /* was called already */
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 3);
	CHECK_EQ(slots.n_skipped, 1);
	CHECK_EQ(word(&world, PROGRAM + SLOT), 0x3f123);
	put_word(&world, PROGRAM + SLOT + 8, 0x3f456);
	slots_restore(&slots, world.fd);
	CHECK_EQ(word(&world, PROGRAM + SLOT + 8), 0x3f456);
	world_clear(&world, &slots);
}

TEST(slots_that_are_not_relocated_yet_are_left_alone)
{
	struct world world;
	struct slots slots;

	world_init(&world, &slots);
	put_word(&world, LIBC + SLOT, LAZY); /* the bias is still missing */
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 3);
	CHECK_EQ(word(&world, LIBC + SLOT), LAZY);
	world_clear(&world, &slots);
}

TEST(slots_of_a_module_with_a_malloc_of_its_own_are_left_alone)
{
	struct world world;
	struct slots slots;

	world_init(&world, &slots);
	put_module(&world, 0x30000, true);
	put_map(&world, 1, LIBC, MAP + 0x80);
	put_map(&world, 2, 0x30000, 0);
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 4);
	CHECK_EQ(word(&world, 0x30000 + SLOT), 0x30000 + LAZY);
	world_clear(&world, &slots);
}

TEST(slots_of_a_module_that_came_later_are_noticed)
{
	struct world world;
	struct slots slots;

	world_init(&world, &slots);
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	slots_patch(&slots, world.fd, DEBUG);
	put_module(&world, 0x30000, false);
	put_map(&world, 1, LIBC, MAP + 0x80);
	put_map(&world, 2, 0x30000, 0);
	CHECK(slots_are_stale(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 2);
	put_word(&world, 0x30000 + SLOT, MALLOC); /* bound by the linker */
	CHECK(slots_are_stale(&slots, world.fd, DEBUG));
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 1);
	world_clear(&world, &slots);
}

TEST(slots_of_hostile_tables_are_none)
{
	struct world world;
	struct slots slots;
	Elf64_Dyn *dynamic;

	world_init(&world, &slots);
	put_map(&world, 1, LIBC, MAP); /* a loop */
	CHECK(!slots_find_originals(&slots, world.fd, DEBUG));
	put_map(&world, 1, LIBC, 0x12345678); /* nowhere */
	CHECK(!slots_find_originals(&slots, world.fd, DEBUG));
	put_map(&world, 1, LIBC, 0);
	CHECK(slots_find_originals(&slots, world.fd, DEBUG));
	dynamic = at(&world, PROGRAM + DYNAMIC);
	dynamic[4].d_un.d_val = UINT64_MAX; /* DT_PLTRELSZ */
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 2);
	dynamic[1].d_un.d_ptr = UINT64_MAX; /* DT_STRTAB */
	CHECK_EQ(slots_patch(&slots, world.fd, DEBUG), 0);
	dynamic = at(&world, LIBC + DYNAMIC);
	dynamic[2].d_un.d_val = UINT64_MAX; /* DT_STRSZ */
	CHECK(!slots_find_originals(&slots, world.fd, DEBUG));
	world_clear(&world, &slots);
}

TEST_MAIN()
