/* SPDX-License-Identifier: MIT */
/* test_space.c - maps text, mapping ids, generations, modules. */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/maps.h"
#include "image/space.h"
#include "util/io.h"
#include "util/mem.h"

#define CODE "r-xp 00001000 08:01 77 /nowhere/lib.so\n"

static const struct image_source no_source;

struct fixture {
	struct modules modules;
	struct space *space;
};

static void fixture_init(struct fixture *f, const struct image_source *source)
{
	modules_init(&f->modules);
	f->space = space_new(&f->modules, source);
}

static void fixture_clear(struct fixture *f)
{
	space_free(f->space);
	modules_clear(&f->modules);
}

static void update(struct space *space, const char *text)
{
	space_update(space, text, strlen(text));
}

static bool first_line(const char *text, struct maps_line *out)
{
	const char *cursor = text;

	return maps_next_line(&cursor, text + strlen(text), out);
}

TEST(maps_line_gives_every_field)
{
	struct maps_line line;

	CHECK(first_line("7f12c0a00000-7f12c0b55000 r-xp 00028000 fe:1f "
			 "1837      /usr/lib/libc.so.6\n", &line));
	CHECK_EQ(line.start, 0x7f12c0a00000);
	CHECK_EQ(line.end, 0x7f12c0b55000);
	CHECK(line.is_readable && !line.is_writable && line.is_executable);
	CHECK(line.is_private && !line.is_deleted);
	CHECK_EQ(line.offset, 0x28000);
	CHECK_EQ(line.dev_major, 0xfe);
	CHECK_EQ(line.dev_minor, 0x1f);
	CHECK_EQ(line.inode, 1837);
	CHECK_EQ(line.path_len, strlen("/usr/lib/libc.so.6"));
}

TEST(maps_line_may_have_no_path_and_no_newline)
{
	struct maps_line line;

	CHECK(first_line("1000-2000 rw-s 0 0:0 0", &line));
	CHECK_EQ(line.path_len, 0);
	CHECK(!line.is_private);
}

TEST(maps_path_keeps_spaces_and_backslashes_but_unescapes_newlines)
{
	struct maps_line line;
	char buf[64];

	CHECK(first_line("1000-2000 r-xp 0 0:0 5 /a b\\012c\\040d (deleted)\n",
			 &line));
	CHECK(line.is_deleted);
	maps_decode_path(&line, buf);
	CHECK_STR(buf, "/a b\nc\\040d");
}

TEST(maps_lines_that_are_nonsense_are_skipped)
{
	static const char text[] =
		"\n\n-\nzz-10 r-xp 0 0:0 0\n2000-1000 r-xp 0 0:0 0 /back\n"
		"11112222333344445-1 r-xp 0 0:0 0\n1000-2000 r-x\n"
		"1000-2000 r-xp 0 100000000:0 0 /major\n"
		"1000-2000 r-xp 0 0:0 0/no-space\n"
		"5000-6000 r-xp 0 0:0 0 /good\n1000-";
	const char *cursor = text, *end = text + sizeof(text) - 1;
	struct maps_line line;

	CHECK(maps_next_line(&cursor, end, &line));
	CHECK_EQ(line.start, 0x5000);
	CHECK(!maps_next_line(&cursor, end, &line));
}

TEST(find_gives_the_mapping_between_its_borders_only)
{
	struct fixture f;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE "3000-4000 rw-p 0 0:0 0\n");
	CHECK(!space_find(f.space, 0xfff));
	CHECK_EQ(space_find(f.space, 0x1000)->start, 0x1000);
	CHECK_EQ(space_find(f.space, 0x1fff)->start, 0x1000);
	CHECK(!space_find(f.space, 0x2000));
	CHECK_EQ(space_find(f.space, 0x3fff)->start, 0x3000);
	CHECK(!space_find(f.space, UINT64_MAX));
	fixture_clear(&f);
}

TEST(unchanged_mappings_keep_their_ids_and_the_generation)
{
	struct fixture f;
	static const char text[] = "1000-2000 " CODE "3000-4000 rw-p 0 0:0 0\n";
	uint64_t generation;
	uint32_t id;

	fixture_init(&f, &no_source);
	update(f.space, text);
	id = space_find(f.space, 0x1000)->id;
	generation = space_generation(f.space);
	update(f.space, text);
	CHECK_EQ(space_find(f.space, 0x1000)->id, id);
	CHECK_EQ(space_generation(f.space), generation);
	CHECK_EQ(space_n_mappings(f.space), 2);
	fixture_clear(&f);
}

TEST(code_that_only_grew_or_shrank_keeps_its_id)
{
	struct fixture f;
	uint64_t generation;
	uint32_t id;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE);
	id = space_find(f.space, 0x1000)->id;
	generation = space_generation(f.space);
	update(f.space, "1000-3000 " CODE);
	CHECK_EQ(space_find(f.space, 0x2fff)->id, id);
	update(f.space, "1000-1800 " CODE);
	CHECK_EQ(space_find(f.space, 0x1000)->id, id);
	CHECK(!space_find(f.space, 0x1800));
	CHECK_EQ(space_generation(f.space), generation);
	fixture_clear(&f);
}

TEST(other_code_at_the_same_address_gets_a_new_id_and_generation)
{
	struct fixture f;
	uint64_t generation;
	uint32_t id;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE);
	id = space_find(f.space, 0x1000)->id;
	generation = space_generation(f.space);
	update(f.space, "1000-2000 r-xp 00001000 08:01 78 /nowhere/lib.so\n");
	CHECK(space_find(f.space, 0x1000)->id != id);
	CHECK(space_generation(f.space) > generation);
	CHECK(!space_mapping(f.space, id)->is_live);
	CHECK_STR(space_mapping(f.space, id)->path, "/nowhere/lib.so");
	fixture_clear(&f);
}

TEST(code_that_is_gone_moves_the_generation_but_data_does_not)
{
	struct fixture f;
	uint64_t generation;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE "5000-6000 rw-p 0 0:0 0\n");
	generation = space_generation(f.space);
	update(f.space, "1000-2000 " CODE "7000-8000 rw-p 0 0:0 0\n");
	CHECK_EQ(space_generation(f.space), generation);
	update(f.space, "7000-8000 rw-p 0 0:0 0\n");
	CHECK(space_generation(f.space) > generation);
	fixture_clear(&f);
}

TEST(data_that_comes_and_goes_does_not_fill_the_list)
{
	struct fixture f;

	fixture_init(&f, &no_source);
	for (int i = 1; i < 1000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%x000-%x800 rw-p 0 0:0 0\n", i,
			 i);
		update(f.space, text);
	}
	CHECK(space_n_mappings(f.space) <= 2);
	fixture_clear(&f);
}

TEST(lines_that_overlap_or_go_back_are_skipped)
{
	struct fixture f;

	fixture_init(&f, &no_source);
	update(f.space, "3000-5000 " CODE "4000-6000 " CODE "1000-2000 " CODE);
	CHECK_EQ(space_n_mappings(f.space), 1);
	CHECK(!space_find(f.space, 0x1000));
	CHECK(!space_find(f.space, 0x5800));
	fixture_clear(&f);
}

TEST(a_fork_has_the_same_ids_and_then_its_own_life)
{
	struct fixture f;
	struct space *child;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE "3000-4000 rw-p 0 0:0 0 [stack]\n");
	child = space_fork(f.space, &no_source);
	CHECK_EQ(space_find(child, 0x1000)->id,
		 space_find(f.space, 0x1000)->id);
	CHECK_EQ(space_generation(child), space_generation(f.space));
	space_reset(child);
	CHECK(!space_find(child, 0x1000));
	CHECK(space_find(f.space, 0x1000));
	CHECK(space_generation(child) > space_generation(f.space));
	space_free(TAKE(f.space));
	CHECK_STR(space_mapping(child, 1)->path, "[stack]");
	space_free(child);
	modules_clear(&f.modules);
}

TEST(refresh_fails_and_keeps_the_table_when_the_process_is_gone)
{
	struct fixture f;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE);
	CHECK(!space_refresh(f.space));
	CHECK(space_find(f.space, 0x1000));
	fixture_clear(&f);
}

TEST(a_file_that_cannot_be_opened_gives_a_module_that_says_so)
{
	struct fixture f;
	const struct mapping *mapping;
	uint64_t vaddr;

	fixture_init(&f, &no_source);
	update(f.space, "1000-2000 " CODE "3000-4000 r-xp 0 0:0 0\n");
	mapping = space_find(f.space, 0x1000);
	CHECK(mapping->module && !mapping->module->is_elf);
	CHECK_STR(mapping->module->fault, "cannot be opened");
	CHECK(!mapping_vaddr(mapping, 0x1000, &vaddr));
	CHECK(!space_find(f.space, 0x3000)->module);
	fixture_clear(&f);
}

/* A source that opens one file, whatever is asked for. */
static int open_file(void *ctx, const struct mapping *mapping)
{
	(void)mapping;
	return open(ctx, O_RDONLY | O_CLOEXEC);
}

/* A small ELF: one page-crossing text segment and a build id. */
struct tiny_elf {
	Elf64_Ehdr header;
	Elf64_Phdr phdrs[3];
	Elf64_Nhdr note;
	char name[4];
	uint8_t id[4];
	uint8_t rest[0x2000];
};

static struct tiny_elf tiny_elf(void)
{
	struct tiny_elf elf = { .name = "GNU", .id = { 0xde, 0xad, 1, 2 } };

	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_type = ET_DYN;
	elf.header.e_machine = EM_X86_64;
	elf.header.e_phoff = offsetof(struct tiny_elf, phdrs);
	elf.header.e_phentsize = sizeof(Elf64_Phdr);
	elf.header.e_phnum = 3;
	elf.phdrs[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R,
				     .p_filesz = 0x1800, .p_memsz = 0x1800 };
	elf.phdrs[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_X | PF_R,
				     .p_offset = 0x1800, .p_vaddr = 0x402800,
				     .p_filesz = 0x600, .p_memsz = 0x600 };
	elf.phdrs[2] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = offsetof(struct tiny_elf, note),
		.p_filesz = sizeof(elf.note) + 8,
	};
	elf.note = (Elf64_Nhdr){ 4, 4, NT_GNU_BUILD_ID };
	return elf;
}

static const char *write_temp(const void *bytes, size_t len)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "test_space.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || !io_write_full(fd, bytes, len))
		return NULL;
	close(fd);
	return path;
}

TEST(a_module_knows_its_build_id_and_where_its_code_is)
{
	struct tiny_elf elf = tiny_elf();
	const char *path = write_temp(&elf, sizeof(elf));
	struct image_source source = { .open_mapping = open_file,
				       .ctx = (void *)path };
	struct fixture f;
	const struct mapping *mapping;
	char hex[2 * BUILD_ID_MAX + 1];
	uint64_t vaddr;

	fixture_init(&f, &source);
	CHECK(path);
	update(f.space, "10000-12000 r-xp 00001000 08:01 77 /lib.so\n");
	unlink(path);
	mapping = space_find(f.space, 0x10000);
	CHECK(mapping->module->is_elf && !mapping->module->fault);
	CHECK_STR(module_build_id_text(mapping->module, hex), "dead0102");
	CHECK(mapping_vaddr(mapping, 0x10810, &vaddr));
	CHECK_EQ(vaddr, 0x402810);
	/* Offset 0x1700 belongs to the first segment, in the same page. */
	CHECK(module_vaddr_of_offset(mapping->module, 0x1700, &vaddr));
	CHECK_EQ(vaddr, 0x1700);
	/* 0x1f00 is behind the last byte, but in the page of the code. */
	CHECK(module_vaddr_of_offset(mapping->module, 0x1f00, &vaddr));
	CHECK_EQ(vaddr, 0x402f00);
	CHECK(!module_vaddr_of_offset(mapping->module, 0x2000, &vaddr));
	CHECK_EQ(module_read(mapping->module, 0x402df8, hex, 64), 8);
	CHECK_EQ(module_read(mapping->module, 0x500000, hex, 64), -1);
	fixture_clear(&f);
}

TEST(two_spaces_share_the_module_of_one_file)
{
	struct tiny_elf elf = tiny_elf();
	const char *path = write_temp(&elf, sizeof(elf));
	struct image_source source = { .open_mapping = open_file,
				       .ctx = (void *)path };
	struct fixture f;
	struct space *other;
	struct module *module;

	fixture_init(&f, &source);
	other = space_new(&f.modules, &source);
	update(f.space, "10000-12000 r-xp 1000 08:01 77 /lib.so\n");
	update(other, "50000-52000 r-xp 1000 08:01 77 /other/lib.so\n");
	module = space_find(f.space, 0x10000)->module;
	CHECK(space_find(other, 0x50000)->module == module);
	CHECK(modules_get(&f.modules, module->id) == module);
	/* Touched, but the build id is the same. */
	CHECK(!truncate(path, sizeof(elf)));
	update(other, "60000-62000 r-xp 1000 08:01 77 /lib.so\n");
	CHECK(space_find(other, 0x60000)->module == module);
	/* Another file in its place. */
	elf.id[0] = 1;
	unlink(path);
	source.ctx = (void *)write_temp(&elf, sizeof(elf) - 8);
	space_free(other);
	other = space_new(&f.modules, &source);
	update(other, "60000-62000 r-xp 1000 08:01 77 /lib.so\n");
	unlink(source.ctx);
	CHECK(space_find(other, 0x60000)->module != module);
	space_free(other);
	fixture_clear(&f);
}

/* Every prefix and many a bit flip of an ELF: no crash, no wild read. */
TEST(broken_elf_files_are_refused_or_bounded)
{
	unsigned int seed = 1;

	for (int i = 0; i < 400; i++) {
		struct tiny_elf elf = tiny_elf();
		struct fixture f;
		struct image_source source = { .open_mapping = open_file };
		size_t len = i < 200 ? (size_t)i * 2 : sizeof(elf);
		const struct mapping *mapping;
		uint64_t vaddr, word;

		for (int k = 0; i >= 200 && k < 8; k++)
			((uint8_t *)&elf)[4 + rand_r(&seed) % 240] =
				(uint8_t)rand_r(&seed);
		source.ctx = (void *)write_temp(&elf, len);
		fixture_init(&f, &source);
		update(f.space, "10000-12000 r-xp 1000 08:01 77 /lib.so\n");
		unlink(source.ctx);
		mapping = space_find(f.space, 0x10000);
		CHECK(mapping->module->is_elf || mapping->module->fault);
		if (mapping_vaddr(mapping, 0x10810, &vaddr))
			module_read(mapping->module, vaddr, &word, 8);
		fixture_clear(&f);
	}
}

static ssize_t read_self(void *ctx, taddr addr, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, (void *)(uintptr_t)addr, len);
	return (ssize_t)len;
}

TEST(the_vdso_is_read_from_memory)
{
	struct image_source source = { .read_memory = read_self };
	struct fixture f;
	taddr start = getauxval(AT_SYSINFO_EHDR);
	const struct mapping *mapping;
	uint64_t vaddr;
	char text[80];

	if (!start)
		SKIP("this kernel gives no vdso");
	fixture_init(&f, &source);
	snprintf(text, sizeof(text), "%" PRIx64 "-%" PRIx64
		 " r-xp 00000000 00:00 0 [vdso]\n", start, start + 0x1000);
	update(f.space, text);
	mapping = space_find(f.space, start);
	CHECK(mapping->module && mapping->module->is_elf);
	CHECK(mapping->module->build_id_bytes > 0);
	CHECK(mapping_vaddr(mapping, start + 0x500, &vaddr));
	fixture_clear(&f);
}

/* A process that maps the file @elf, which has no path any more. */
struct orphan {
	struct tiny_elf elf;
	const char *maps;
};

static ssize_t read_orphan(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct orphan *orphan = ctx;
	uint64_t offset = addr >= 0x20000 ? addr - 0x20000 + 0x1000
					  : addr - 0x10000;

	if (addr < 0x10000 || offset > sizeof(orphan->elf))
		return -1;
	if (len > sizeof(orphan->elf) - offset)
		len = sizeof(orphan->elf) - offset;
	memcpy(buf, (const char *)&orphan->elf + offset, len);
	return (ssize_t)len;
}

static char *read_orphan_maps(void *ctx, size_t *out_len)
{
	const struct orphan *orphan = ctx;

	*out_len = strlen(orphan->maps);
	return xstrdup(orphan->maps);
}

static const struct module *orphan_module(struct fixture *f,
					  struct orphan *orphan)
{
	struct image_source source = { .read_memory = read_orphan,
				       .read_maps = read_orphan_maps,
				       .ctx = orphan };

	orphan->elf = tiny_elf();
	fixture_init(f, &source);
	space_refresh(f->space);
	return space_find(f->space, 0x20000)->module;
}

TEST(a_file_that_cannot_be_opened_is_put_together_from_memory)
{
	struct orphan orphan = {
		.maps = "10000-11000 r--p 00000000 08:01 77 /x (deleted)\n"
			"20000-22000 r-xp 00001000 08:01 77 /x (deleted)\n"
			"30000-31000 r-xp 00009000 08:01 78 /y\n",
	};
	struct fixture f;
	const struct module *module = orphan_module(&f, &orphan);
	char hex[2 * BUILD_ID_MAX + 1];

	CHECK(module->is_elf && module->is_deleted && module->fd < 0);
	CHECK_EQ(module->image_bytes, 0x3000);
	CHECK_STR(module_build_id_text(module, hex), "dead0102");
	CHECK_EQ(module_read(module, 0x402df8, hex, 64), 8);
	CHECK(!space_find(f.space, 0x30000)->module->is_elf);
	fixture_clear(&f);
}

TEST(a_file_without_its_start_or_too_large_stays_unread)
{
	static const char *const maps[] = {
		"20000-22000 r-xp 00001000 08:01 77 /x\n",
		"10000-11000 r--p 00000000 08:01 77 /x\n"
		"20000-22000 r-xp fffffffffffff000 08:01 77 /x\n",
		"10000-11000 r--p 00000000 08:01 77 /x\n"
		"20000-ffff00000000 r-xp 00001000 08:01 77 /x\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct orphan orphan = { .maps = maps[i] };
		struct fixture f;
		const struct module *module = orphan_module(&f, &orphan);

		CHECK(!module->is_elf && module->fault && !module->image);
		fixture_clear(&f);
	}
}

TEST_MAIN()
