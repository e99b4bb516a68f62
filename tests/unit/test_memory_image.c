/* SPDX-License-Identifier: MIT */
/*
 * test_memory_image.c - files that cannot be opened, read from where they are
 * mapped; and modules by other unusual ways.
 */
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "image/space.h"
#include "made_file.h"

#define BIAS UINT64_C(0x7f0000000000)
#define DYNAMIC_AT 0x2000
#define FILE_BYTES 0x14000

/* The process: the file at BIAS, and what of it was changed since. */
struct process {
	struct made file;
	const char *maps; /* NULL: they cannot be read */
	uint64_t other_at; /* its last page, mapped a second time */
	bool has_memory;
	struct modules modules;
	struct space *space;
	int opened; /* for open_mapping */
};

static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct process *p = ctx;
	uint64_t at = addr - BIAS;

	if (!p->has_memory)
		return -1;
	if (p->other_at && addr - p->other_at < 0x1000) {
		memset(buf, 0xee, len);
		return (ssize_t)len;
	}
	if (at >= p->file.n || len > p->file.n - at)
		return -1;
	memcpy(buf, p->file.bytes + at, len);
	return (ssize_t)len;
}

static char *read_maps(void *ctx, size_t *out_len)
{
	const struct process *p = ctx;

	*out_len = p->maps ? strlen(p->maps) : 0;
	return p->maps ? xstrdup(p->maps) : NULL;
}

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	(void)mapping;
	return ((struct process *)ctx)->opened;
}

static void process_init(struct process *p, const char *maps)
{
	*p = (struct process){ .file = made_new(FILE_BYTES, ET_DYN),
			       .maps = maps, .has_memory = true,
			       .opened = -1 };
	made_add_segment(&p->file, PT_LOAD, PF_R, 0, 0x1000);
	made_add_segment(&p->file, PT_LOAD, PF_R | PF_X, 0x1000, 0x1000);
	made_add_segment(&p->file, PT_LOAD, PF_R | PF_W, 0x2000,
			 FILE_BYTES - 0x2000);
	modules_init(&p->modules);
}

static const struct module *process_open(struct process *p)
{
	struct image_source source = { .open_mapping = open_mapping,
				       .read_memory = read_memory,
				       .read_maps = read_maps,
				       .ctx = p };
	const char *first = p->maps;

	p->space = space_new(&p->modules, &source);
	if (first)
		space_update(p->space, first, strlen(first));
	return space_find(p->space, BIAS + 0x1000) ?
		       space_find(p->space, BIAS + 0x1000)->module : NULL;
}

static void process_clear(struct process *p)
{
	space_free(p->space);
	modules_clear(&p->modules);
	free(p->file.bytes);
}

#define MAPS								\
	"7f0000000000-7f0000001000 r--p 00000000 08:01 77 /x (deleted)\n" \
	"7f0000001000-7f0000002000 r-xp 00001000 08:01 77 /x (deleted)\n"
#define MAPS_DATA							\
	"7f0000002000-7f0000014000 rw-p 00002000 08:01 77 /x (deleted)\n"

static uint64_t word_at(const struct module *module, uint64_t vaddr)
{
	uint64_t word = 0;

	module_read(module, vaddr, &word, sizeof(word));
	return word;
}

TEST(addresses_in_a_dynamic_segment_are_those_of_the_file_again)
{
	Elf64_Dyn dynamic[] = {
		{ DT_NEEDED, { BIAS + 1 } },	/* no address */
		{ DT_STRTAB, { BIAS + 0x300 } },
		{ DT_SYMTAB, { BIAS + 0x400 } },
		{ DT_HASH, { 0x200 } },		/* never was relocated */
		{ DT_NULL, { 0 } },
		{ DT_JMPREL, { BIAS + 0x500 } },	/* behind the end */
	};
	uint64_t at = DYNAMIC_AT + 8, each = sizeof(*dynamic);
	const struct module *module;
	struct process p;
	Elf64_Ehdr header;

	process_init(&p, MAPS MAPS_DATA);
	made_add_segment(&p.file, PT_DYNAMIC, PF_R, DYNAMIC_AT,
			 sizeof(dynamic));
	made_put(&p.file, DYNAMIC_AT, dynamic, sizeof(dynamic));
	module = process_open(&p);
	CHECK(module && module->is_elf);
	CHECK_EQ(word_at(module, at), BIAS + 1);
	CHECK_EQ(word_at(module, at + each), 0x300);
	CHECK_EQ(word_at(module, at + 2 * each), 0x400);
	CHECK_EQ(word_at(module, at + 3 * each), 0x200);
	CHECK_EQ(word_at(module, at + 5 * each), BIAS + 0x500);
	/* What is said of sections is not there. */
	memcpy(&header, module->image, sizeof(header));
	CHECK_EQ(header.e_shoff, 0);
	CHECK_EQ(header.e_shnum, 0);
	process_clear(&p);
}

TEST(a_dynamic_segment_outside_of_the_file_or_without_end_is_survived)
{
	static const struct {
		uint64_t at, n;
	} places[] = { { FILE_BYTES + 1, 16 }, { FILE_BYTES - 16, 17 },
		       { UINT64_MAX - 7, 16 }, { DYNAMIC_AT, UINT64_MAX },
		       { FILE_BYTES - 8, 8 } };
	Elf64_Dyn entry = { DT_STRTAB, { BIAS + 0x300 } };
	uint64_t last = DYNAMIC_AT + 4095 * sizeof(entry) + 8;
	const struct module *module;
	struct process p;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		process_init(&p, MAPS MAPS_DATA);
		made_put(&p.file, FILE_BYTES - 16, &entry, sizeof(entry));
		made_add_segment(&p.file, PT_DYNAMIC, PF_R, places[i].at,
				 places[i].n);
		module = process_open(&p);
		CHECK(module && module->is_elf);
		CHECK_EQ(word_at(module, FILE_BYTES - 8), BIAS + 0x300);
		process_clear(&p);
	}
	process_init(&p, MAPS MAPS_DATA);
	for (uint64_t at = DYNAMIC_AT; at + 16 <= FILE_BYTES; at += 16)
		made_put(&p.file, at, &entry, sizeof(entry));
	made_add_segment(&p.file, PT_DYNAMIC, PF_R, DYNAMIC_AT,
			 FILE_BYTES - DYNAMIC_AT);
	module = process_open(&p);
	CHECK(module && module->is_elf);
	CHECK_EQ(word_at(module, last), 0x300);
	CHECK_EQ(word_at(module, last + sizeof(entry)), BIAS + 0x300);
	process_clear(&p);
}

TEST(what_is_mapped_twice_is_taken_from_the_part_nobody_can_write_to)
{
	static const char *const maps[] = {
		MAPS "7f0000002000-7f0000003000 r--p 00002000 08:01 77 /x\n"
		     "7f0000100000-7f0000101000 rw-p 00002000 08:01 77 /x\n",
		MAPS "7f0000002000-7f0000003000 r--p 00002000 08:01 77 /x\n"
		     "7f0000100000-7f0000101000 ---p 00001000 08:01 77 /x\n"
		     "7f0000200000-7f0000202000 rw-p 00001000 08:01 78 /z\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const struct module *module;
		struct process p;

		process_init(&p, maps[i]);
		p.other_at = BIAS + 0x100000;
		memset(p.file.bytes + 0x1000, 0x11, 0x1000);
		memset(p.file.bytes + 0x2000, 0x22, 0x1000);
		module = process_open(&p);
		CHECK(module && module->is_elf);
		CHECK_EQ(module->image_bytes, 0x3000);
		CHECK_EQ(word_at(module, 0x1800), 0x1111111111111111);
		CHECK_EQ(word_at(module, 0x2800), 0x2222222222222222);
		process_clear(&p);
	}
}

static bool stays_unread(struct process *p)
{
	const struct module *module = process_open(p);

	return module && !module->is_elf && !module->image &&
	       !strcmp(module->fault, "cannot be opened");
}

TEST(memory_that_cannot_be_read_or_is_no_program_stays_unread)
{
	struct process p;

	process_init(&p, MAPS);
	p.has_memory = false;
	CHECK(stays_unread(&p));
	process_clear(&p);
	process_init(&p, MAPS);
	p.file.bytes[0] = 'x';
	CHECK(stays_unread(&p));
	process_clear(&p);
	process_init(&p, MAPS); /* 32 bits */
	p.file.bytes[EI_CLASS] = ELFCLASS32;
	CHECK(stays_unread(&p));
	process_clear(&p);
}

TEST(a_file_that_cannot_be_opened_is_one_module_however_often_it_is_mapped)
{
	struct process p;
	const struct module *module;

	process_init(&p, MAPS "7f0000100000-7f0000101000 r-xp 00001000 08:01 "
			      "77 /x (deleted)\n"
			      "7f0000200000-7f0000201000 r-xp 00001000 08:01 "
			      "77 /y\n");
	module = process_open(&p);
	CHECK(module && module->is_elf);
	CHECK(space_find(p.space, BIAS + 0x100000)->module == module);
	/* Another path may be another file that took its number. */
	CHECK(space_find(p.space, BIAS + 0x200000)->module != module);
	process_clear(&p);
}

TEST(what_opens_as_something_else_than_a_file_is_read_from_memory)
{
	struct process p;
	const struct module *module;

	process_init(&p, MAPS);
	p.opened = open("/", O_RDONLY | O_CLOEXEC);
	module = process_open(&p);
	CHECK(module && module->is_elf);
	CHECK(module->image && module->fd < 0);
	CHECK(fcntl(p.opened, F_GETFD) < 0); /* it was closed */
	process_clear(&p);
}

TEST(a_vdso_that_is_too_large_or_cannot_be_read_is_no_module)
{
	static const char *const maps[] = {
		"7f0000001000-7f0000012000 r-xp 00000000 00:00 0 [vdso]\n",
		"7f0000001000-7f0000002000 r-xp 00000000 00:00 0 [vdso]\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct process p;

		process_init(&p, maps[i]);
		p.has_memory = i == 0;
		CHECK(!process_open(&p));
		process_clear(&p);
	}
}

TEST(paths_are_told_as_a_process_in_another_root_would)
{
	struct image_root root = { .prefix = "/srv/jail" };
	struct module module = {
		.path = (char *)(uintptr_t)"/srv/jail/lib/x.so",
	};

	CHECK_STR(module_path_in_root(&module), "/srv/jail/lib/x.so");
	module.root = &root;
	CHECK_STR(module_path_in_root(&module), "/lib/x.so");
	module.path = (char *)(uintptr_t)"/srv/jailer/x.so";
	CHECK_STR(module_path_in_root(&module), "/srv/jailer/x.so");
	root.prefix = "";
	CHECK_STR(module_path_in_root(&module), "/srv/jailer/x.so");
}

TEST_MAIN()
