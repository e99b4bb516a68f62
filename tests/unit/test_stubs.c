/* SPDX-License-Identifier: MIT */
/*
 * test_stubs.c - what a file without symbols still tells: the search table of
 * its unwind information, and the stubs of its PLT.
 */
#include <gelf.h>

#include "check.h"
#include "made_file.h"
#include "symbol/fde.h"
#include "symbol/plt.h"

#define FILE_BYTES 0x4000
#define TABLE_AT 0x1000
#define FRAMES_AT 0x1400
#define CODE_AT 0x2000
#define SLOTS_AT 0x3000

struct scene {
	struct made file;
	Elf *elf;
};

static struct scene scene_new(void)
{
	struct scene scene = { .file = made_new(FILE_BYTES, ET_DYN) };

	made_add_segment(&scene.file, PT_LOAD, PF_R, 0, FILE_BYTES);
	elf_version(EV_CURRENT);
	return scene;
}

static Elf *scene_elf(struct scene *scene)
{
	scene->elf = elf_memory((char *)scene->file.bytes, scene->file.n);
	return scene->elf;
}

static void scene_clear(struct scene *scene)
{
	elf_end(scene->elf);
	free(scene->file.bytes);
}

/* --- .eh_frame_hdr ---------------------------------------------------- */

/* Two functions, at CODE_AT + 0x100 and + 0x200, of @size bytes each. */
static void put_frames(struct scene *scene, uint8_t pointer_encoding,
		       size_t pointer_bytes, uint32_t size)
{
	uint8_t *p = scene->file.bytes + TABLE_AT;
	uint32_t n = 2;

	memcpy(p, (uint8_t[]){ 1, pointer_encoding, 0x03, 0x3b }, 4);
	p += 4 + pointer_bytes;
	memcpy(p, &n, sizeof(n));
	p += sizeof(n);
	for (int32_t i = 0; i < 2; i++) {
		int32_t at = FRAMES_AT + i * 32;
		int32_t start = CODE_AT + 0x100 * (i + 1);
		int32_t entry[2] = { start - TABLE_AT, at - TABLE_AT };
		/* length, way to the CIE, start from this field, size */
		uint32_t fde[4] = { 20, 0, (uint32_t)(start - (at + 8)),
				    size };

		memcpy(p + i * 8, entry, sizeof(entry));
		made_put(&scene->file, (uint64_t)at, fde, sizeof(fde));
	}
	made_add_segment(&scene->file, PT_GNU_EH_FRAME, PF_R, TABLE_AT,
			 8 + pointer_bytes + 16);
}

static uint64_t start_of(const struct fde_table *table, uint64_t vaddr)
{
	uint64_t start;

	return fde_table_find(table, vaddr, &start) ? start : 0;
}

TEST(fde_of_an_address_is_the_last_that_starts_before_and_holds_it)
{
	static const struct {
		uint8_t encoding, bytes;
	} pointers[] = { { 0x1b, 4 }, { 0x03, 4 }, { 0x1c, 8 }, { 0x04, 8 } };

	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		struct scene scene = scene_new();
		struct fde_table table;

		put_frames(&scene, pointers[i].encoding, pointers[i].bytes,
			   0x40);
		fde_table_init(&table, scene_elf(&scene));
		CHECK_EQ(start_of(&table, CODE_AT + 0xff), 0);
		CHECK_EQ(start_of(&table, CODE_AT + 0x100), CODE_AT + 0x100);
		CHECK_EQ(start_of(&table, CODE_AT + 0x13f), CODE_AT + 0x100);
		CHECK_EQ(start_of(&table, CODE_AT + 0x140), 0);
		CHECK_EQ(start_of(&table, CODE_AT + 0x23f), CODE_AT + 0x200);
		CHECK_EQ(start_of(&table, UINT64_MAX), 0);
		scene_clear(&scene);
	}
}

TEST(fde_that_does_not_name_its_function_leaves_the_size_open)
{
	struct scene scene = scene_new();
	struct fde_table table;
	uint32_t other = 12345;
	int32_t far = FILE_BYTES - 4 - TABLE_AT - 8;

	put_frames(&scene, 0x1b, 4, 0x40);
	made_put(&scene.file, FRAMES_AT + 8, &other, sizeof(other));
	/* The second one is cut off by the end of the file. */
	made_put(&scene.file, TABLE_AT + 12 + 12, &far, sizeof(far));
	fde_table_init(&table, scene_elf(&scene));
	CHECK_EQ(start_of(&table, CODE_AT + 0x1ff), CODE_AT + 0x100);
	CHECK_EQ(start_of(&table, CODE_AT + 0x2ff), CODE_AT + 0x200);
	scene_clear(&scene);
}

static void say_more(struct scene *scene)
{
	uint32_t n = 1000000;

	made_put(&scene->file, TABLE_AT + 8, &n, sizeof(n));
}

static void say_less(struct scene *scene)
{
	uint32_t n = 1;

	made_put(&scene->file, TABLE_AT + 8, &n, sizeof(n));
}

static void cut_off(struct scene *scene)
{
	made_segments(&scene->file)[1].p_filesz = 12;
}

static void lead_outside(struct scene *scene)
{
	made_segments(&scene->file)[1].p_offset = FILE_BYTES - 4;
}

static void change_version(struct scene *scene)
{
	scene->file.bytes[TABLE_AT] = 2;
}

static void change_encoding(struct scene *scene)
{
	scene->file.bytes[TABLE_AT + 1] = 0x1a; /* two bytes */
}

static void leave_unmapped(struct scene *scene)
{
	made_segments(&scene->file)[0].p_vaddr = 0x100000;
}

static void drop_headers(struct scene *scene)
{
	made_header(&scene->file)->e_phnum = 0;
}

TEST(fde_tables_that_lie_are_believed_as_far_as_they_go)
{
	static const struct {
		void (*spoil)(struct scene *scene);
		uint64_t first, second; /* starts that are found */
	} cases[] = {
		{ say_more, 0x2100, 0x2200 },	 { say_less, 0x2100, 0 },
		{ cut_off, 0, 0 },		 { lead_outside, 0, 0 },
		{ change_version, 0, 0 },	 { change_encoding, 0, 0 },
		{ leave_unmapped, 0x2100, 0x2200 }, { drop_headers, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scene scene = scene_new();
		struct fde_table table;

		put_frames(&scene, 0x1b, 4, 0x40);
		cases[i].spoil(&scene);
		fde_table_init(&table, scene_elf(&scene));
		CHECK_EQ(start_of(&table, CODE_AT + 0x104), cases[i].first);
		CHECK_EQ(start_of(&table, CODE_AT + 0x204), cases[i].second);
		scene_clear(&scene);
	}
}

/* --- .plt ------------------------------------------------------------- */

#define DYNSYM_AT 0x1100
#define DYNSTR_AT 0x1200
#define RELA_AT 0x1300

/* jmp *slot(%rip), at @at */
static void put_jump(struct scene *scene, uint64_t at, uint64_t slot)
{
	int32_t distance = (int32_t)(slot - (at + 6));

	made_put(&scene->file, at, "\xff\x25", 2);
	made_put(&scene->file, at + 2, &distance, sizeof(distance));
}

/* push $index, at @at */
static void put_push(struct scene *scene, uint64_t at, uint32_t index)
{
	scene->file.bytes[at] = 0x68;
	made_put(&scene->file, at + 1, &index, sizeof(index));
}

/* "read" by its slot, "write" by its number, and what has no name. */
static void put_plt(struct scene *scene)
{
	struct made *file = &scene->file;
	Elf64_Sym symbols[3] = { { 0 }, { .st_name = 1 }, { .st_name = 6 } };
	Elf64_Rela relocs[] = {
		{ SLOTS_AT, ELF64_R_INFO(1, R_X86_64_JUMP_SLOT), 0 },
		{ SLOTS_AT + 8, ELF64_R_INFO(2, R_X86_64_JUMP_SLOT), 0 },
		{ SLOTS_AT + 16, ELF64_R_INFO(0, R_X86_64_IRELATIVE), 0 },
	};
	size_t strings, table, section;

	made_put(file, DYNSTR_AT, "\0read\0write", 12);
	made_put(file, DYNSYM_AT, symbols, sizeof(symbols));
	made_put(file, RELA_AT, relocs, sizeof(relocs));
	strings = made_add_section(file, ".dynstr", SHT_STRTAB, DYNSTR_AT, 12);
	table = made_add_section(file, ".dynsym", SHT_DYNSYM, DYNSYM_AT,
				 sizeof(symbols));
	made_sections(file)[table].sh_link = (uint32_t)strings;
	made_sections(file)[table].sh_entsize = sizeof(*symbols);
	section = made_add_section(file, ".rela.plt", SHT_RELA, RELA_AT,
				   sizeof(relocs));
	made_sections(file)[section].sh_link = (uint32_t)table;
	made_sections(file)[section].sh_entsize = sizeof(*relocs);
	put_jump(scene, CODE_AT + 16, SLOTS_AT);
	put_push(scene, CODE_AT + 32 + 4, 1);
	put_push(scene, CODE_AT + 48, 2);	/* has no name */
	put_push(scene, CODE_AT + 64, 77);	/* there is none */
	put_jump(scene, CODE_AT + 80, SLOTS_AT + 800);
}

static size_t add_plt(struct scene *scene, uint64_t n, uint64_t stub_bytes)
{
	size_t section = made_add_section(&scene->file, ".plt", SHT_PROGBITS,
					  CODE_AT, n);

	made_sections(&scene->file)[section].sh_flags |= SHF_EXECINSTR;
	made_sections(&scene->file)[section].sh_entsize = stub_bytes;
	return section;
}

static const char *name_at(const struct plt *plt, uint64_t vaddr)
{
	const char *name = plt_find(plt, vaddr);

	return name ? name : "(none)";
}

TEST(stubs_are_named_by_their_slot_or_by_the_number_of_the_relocation)
{
	static const uint64_t said[] = { 16, 0, 4, 1 << 20 };

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct scene scene = scene_new();
		struct plt plt;

		put_plt(&scene);
		add_plt(&scene, 96, said[i]);
		plt_init(&plt, scene_elf(&scene));
		CHECK_STR(name_at(&plt, CODE_AT + 3), "");
		CHECK_STR(name_at(&plt, CODE_AT + 16), "read");
		CHECK_STR(name_at(&plt, CODE_AT + 31), "read");
		CHECK_STR(name_at(&plt, CODE_AT + 40), "write");
		CHECK_STR(name_at(&plt, CODE_AT + 50), "");
		CHECK_STR(name_at(&plt, CODE_AT + 66), "");
		CHECK_STR(name_at(&plt, CODE_AT + 90), "");
		CHECK_STR(name_at(&plt, CODE_AT - 1), "(none)");
		CHECK_STR(name_at(&plt, CODE_AT + 96), "(none)");
		plt_clear(&plt);
		scene_clear(&scene);
	}
}

TEST(stubs_that_are_cut_off_or_no_code_have_no_names)
{
	struct scene scene = scene_new();
	struct plt plt;
	size_t section;

	put_plt(&scene);
	add_plt(&scene, 20, 16); /* four bytes of the second one */
	section = made_add_section(&scene.file, ".plt.got", SHT_PROGBITS,
				   CODE_AT + 32, 16);
	made_sections(&scene.file)[section].sh_flags = SHF_ALLOC;
	plt_init(&plt, scene_elf(&scene));
	CHECK_STR(name_at(&plt, CODE_AT + 18), "");
	CHECK_STR(name_at(&plt, CODE_AT + 36), "(none)");
	plt_clear(&plt);
	scene_clear(&scene);
}

TEST(relocations_that_lead_nowhere_name_nothing)
{
	static const uint32_t links[] = { 0, 1, 77 };

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct scene scene = scene_new();
		Elf64_Ehdr *header = made_header(&scene.file);
		struct plt plt;

		put_plt(&scene);
		made_sections(&scene.file)[header->e_shnum - 1].sh_link =
			links[i];
		add_plt(&scene, 96, 16);
		plt_init(&plt, scene_elf(&scene));
		CHECK_STR(name_at(&plt, CODE_AT + 16), "");
		CHECK_STR(name_at(&plt, CODE_AT + 40), "");
		plt_clear(&plt);
		scene_clear(&scene);
	}
}

TEST_MAIN()
