/* SPDX-License-Identifier: MIT */
/*
 * fuzz_static.c - any symbols and code as a static program: which functions
 * are its malloc's, the ways between them, their gates and patches.
 *
 * The first byte is the number of symbols (struct input_symbol), code follows.
 */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "heap/entries.h"
#include "heap/entry_patch.h"
#include "target/proc.h"
#include "util/io.h"

#define N_SYMBOLS_MAX 64
#define CODE_AT 0x3000
#define BIAS UINT64_C(0x10000)

static const char *const names[] = {
	"malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc",
	"posix_memalign", "valloc", "prctl", "syscall", "_Exit", "mmap",
	"_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t",
	"_ZnwmSt11align_val_t", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_init",
	"__libc_setup_tls", "__init_tls", "sysmalloc",
};

struct input_symbol {
	uint8_t name, info; /* the lower bits of the name; st_info */
	uint8_t high;	    /* the upper byte of its address */
	uint8_t is_long;
	uint16_t at, bytes; /* its address from CODE_AT on */
};

struct file { /* in which vaddr is the offset, up to the code */
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[4];
	Elf64_Sym symbols[N_SYMBOLS_MAX];
	char strings[1024];
};
static_assert(sizeof(struct file) <= CODE_AT, "code comes next");

/* Where in @file the name is. */
static uint32_t add_name(struct file *file, size_t *n, const char *name)
{
	uint32_t at = (uint32_t)*n;

	strcpy(file->strings + at, name);
	*n += strlen(name) + 1;
	return at;
}

static void make_headers(struct file *file, size_t n_bytes)
{
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_ident[EI_VERSION] = EV_CURRENT;
	file->header.e_type = ET_DYN;
	file->header.e_machine = EM_X86_64;
	file->header.e_version = EV_CURRENT;
	file->header.e_entry = CODE_AT;
	file->header.e_phoff = offsetof(struct file, segment);
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->header.e_phnum = 1;
	file->header.e_shoff = offsetof(struct file, sections);
	file->header.e_shentsize = sizeof(Elf64_Shdr);
	file->header.e_shnum = ARRAY_SIZE(file->sections);
	file->header.e_shstrndx = 2;
	file->segment = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X,
		.p_filesz = n_bytes, .p_memsz = n_bytes, .p_align = 0x1000,
	};
}

static void make_symbols(struct file *file, const uint8_t *data, size_t n)
{
	uint32_t at[ARRAY_SIZE(names)];
	size_t n_strings = 1;

	file->sections[1] = (Elf64_Shdr){
		.sh_name = add_name(file, &n_strings, ".symtab"),
		.sh_type = SHT_SYMTAB, .sh_link = 2,
		.sh_offset = offsetof(struct file, symbols),
		.sh_size = n * sizeof(Elf64_Sym),
		.sh_entsize = sizeof(Elf64_Sym),
	};
	file->sections[2] = (Elf64_Shdr){
		.sh_name = add_name(file, &n_strings, ".strtab"),
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct file, strings),
		.sh_size = sizeof(file->strings),
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		at[i] = add_name(file, &n_strings, names[i]);
	for (size_t i = 0; i < n; i++) {
		struct input_symbol symbol;

		memcpy(&symbol, data + i * sizeof(symbol), sizeof(symbol));
		file->symbols[i] = (Elf64_Sym){
			.st_name = at[symbol.name % ARRAY_SIZE(names)],
			.st_info = symbol.info,
			.st_shndx = 1,
			.st_value = (uint64_t)symbol.high << 56 |
				    (CODE_AT + (uint64_t)symbol.at),
			.st_size = symbol.is_long ? UINT64_MAX - symbol.bytes
						  : symbol.bytes,
		};
	}
}

/* A file of the input, or -1. */
static int make_file(const uint8_t *data, size_t size)
{
	CLEANUP(free) struct file *file = xcalloc(1, CODE_AT);
	size_t n = data[0] % N_SYMBOLS_MAX;
	int fd;

	data++;
	size--;
	if (size < n * sizeof(struct input_symbol))
		return -1;
	make_symbols(file, data, n);
	data += n * sizeof(struct input_symbol);
	size -= n * sizeof(struct input_symbol);
	make_headers(file, CODE_AT + size);
	fd = memfd_create("static", MFD_CLOEXEC);
	if (fd < 0 || !io_write_full(fd, file, CODE_AT) ||
	    !io_write_full(fd, data, size))
		abort();
	return fd;
}

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	(void)mapping;
	return fcntl(*(int *)ctx, F_DUPFD_CLOEXEC, 0);
}

uint64_t __wrap_proc_auxv(pid_t pid, uint64_t type);

uint64_t __wrap_proc_auxv(pid_t pid, uint64_t type)
{
	(void)pid;
	return type == AT_ENTRY ? BIAS + CODE_AT : 0;
}

static void check_patches(const struct entries *entries)
{
	for (size_t i = 0; i < entries->patches.n; i++) {
		const struct entry_patch *patch =
			vec_at(&entries->patches, i);

		if (patch->n > sizeof(patch->after) ||
		    (patch->entry != NO_ID &&
		     patch->entry >= entries->list.n))
			abort();
	}
}

static void run_entries(const struct space *space)
{
	struct inject inject = { .mem_fd = -1 };
	struct entries entries;
	struct slots slots;
	struct error *error;

	entries_init(&entries);
	slots_init(&slots);
	error = entries_find(&entries, &inject, space, &slots);
	if (!error)
		error = entries_place(&entries, &inject, space, &slots);
	if (!error)
		check_patches(&entries);
	error_free(error);
	slots_clear(&slots);
	entries_clear(&entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char maps[] =
		"10000-30000 r-xp 00000000 00:01 7 /x\n"
		"7fff00000000-7fff00001000 rw-p 00000000 00:00 0 [stack]\n";
	int fd = size ? make_file(data, size) : -1;
	struct image_source source = { .open_mapping = open_mapping,
				       .ctx = &fd };
	struct modules modules;
	struct space *space;

	if (fd < 0)
		return 0;
	modules_init(&modules);
	space = space_new(&modules, &source);
	space_update(space, maps, sizeof(maps) - 1);
	run_entries(space);
	space_free(space);
	modules_clear(&modules);
	close(fd);
	return 0;
}
