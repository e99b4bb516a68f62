/* SPDX-License-Identifier: MIT */
/*
 * test_symbol.c - from addresses of this very program to names and lines.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <search.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/space.h"
#include "symbol/advice.h"
#include "symbol/range.h"
#include "symbol/symbol.h"
#include "util/io.h"
#include "util/log.h"
#include "util/mem.h"

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	(void)ctx;
	return open(mapping->path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, (const void *)(uintptr_t)addr, len);
	return (ssize_t)len;
}

static char *read_maps(void *ctx, size_t *out_len)
{
	(void)ctx;
	return io_read_file("/proc/self/maps", 1 << 20, out_len);
}

static const struct image_source own_source = {
	.open_mapping = open_mapping,
	.read_memory = read_memory,
	.read_maps = read_maps,
};

struct fixture {
	struct modules modules;
	struct space *space;
	struct symbolizer *symbolizer;
	/* of the last find() */
	const struct symbol_frame *frames;
	size_t n;
	enum symbol_source source;
	const struct module *module;
};

static struct fixture *fixture_new(const struct symbol_options *options)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	modules_init(&f->modules);
	f->space = space_new(&f->modules, &own_source);
	f->symbolizer = symbolizer_new(options);
	space_refresh(f->space);
	return f;
}

static void fixture_free(struct fixture *f)
{
	symbolizer_free(f->symbolizer);
	space_free(f->space);
	modules_clear(&f->modules);
	free(f);
}
DEFINE_CLEANUP(fixture_free, struct fixture *)

static bool find(struct fixture *f, uintptr_t addr)
{
	const struct mapping *mapping = space_find(f->space, addr);
	uint64_t vaddr;

	if (!mapping || !mapping->module ||
	    !mapping_vaddr(mapping, addr, &vaddr))
		return false;
	f->module = mapping->module;
	f->frames = symbolizer_find(f->symbolizer, mapping->module, vaddr,
				    &f->n, &f->source);
	return true;
}

static const struct symbol_options plain = { 0 };

/* The address of this instruction, inlined wherever it is called. */
static inline __attribute__((always_inline)) uintptr_t here(void)
{
	uintptr_t pc;

	__asm__ volatile("leaq 0(%%rip), %0" : "=r"(pc));
	return pc - 1; /* inside the instruction before */
}

static inline __attribute__((always_inline)) uintptr_t middle(void)
{
	return here();
}

static __attribute__((noinline)) uintptr_t outermost(void)
{
	return middle();
}

TEST(symbol_frames_are_the_inline_chain_innermost_first)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);

	CHECK(find(f, outermost()));
	if (f->source != SYMBOL_DWARF)
		SKIP("this test was built without debug information");
	CHECK_EQ(f->n, 3);
	CHECK_STR(f->frames[0].name, "here");
	CHECK_STR(f->frames[1].name, "middle");
	CHECK_STR(f->frames[2].name, "outermost");
	CHECK(strstr(f->frames[2].file, "test_symbol.c") != NULL);
	CHECK_EQ(f->frames[0].file[0], '/');
	CHECK_EQ(f->frames[1].line, f->frames[1].start_line + 2);
	CHECK_EQ(f->frames[2].line, f->frames[2].start_line + 2);
	CHECK(f->frames[0].line > f->frames[0].start_line);
}

TEST(symbol_without_inlines_is_the_function_itself)
{
	struct symbol_options options = { .no_inlines = true };
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&options);

	CHECK(find(f, outermost()));
	if (f->source == SYMBOL_NONE)
		SKIP("this test was stripped");
	CHECK_EQ(f->n, 1);
	CHECK_STR(f->frames[0].name, "outermost");
}

TEST(symbol_answers_stay_valid_and_are_made_once)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	const struct symbol_frame *first;
	struct symbol_summary summary;
	uintptr_t pc = outermost();

	CHECK(find(f, pc));
	first = f->frames;
	for (uintptr_t i = 0; i < 64; i++)
		CHECK(find(f, (uintptr_t)&fixture_new + i));
	CHECK(find(f, pc));
	CHECK(f->frames == first);
	CHECK(symbolizer_summary(f->symbolizer, f->module, &summary));
	CHECK_EQ(summary.n_addresses[SYMBOL_NONE] +
			 summary.n_addresses[SYMBOL_DYNSYM] +
			 summary.n_addresses[SYMBOL_SYMTAB] +
			 summary.n_addresses[SYMBOL_DWARF], 65);
}

TEST(symbol_of_a_library_is_its_public_name)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);

	void *libc = dlopen("libc.so.6", RTLD_NOLOAD | RTLD_NOW);

	if (!libc)
		SKIP("the C library is not glibc, or linked statically");
	CHECK(find(f, (uintptr_t)dlsym(libc, "qsort") + 1));
	CHECK_STR(f->frames[f->n - 1].name, "qsort");
	CHECK(f->source != SYMBOL_NONE);
}

TEST(symbol_of_the_vdso_comes_from_its_image)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	void *vdso = dlopen("linux-vdso.so.1", RTLD_NOLOAD | RTLD_NOW);
	void *entry = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;

	if (!entry)
		SKIP("no vdso here");
	CHECK(find(f, (uintptr_t)entry + 1));
	CHECK(strstr(f->frames[0].name, "clock_gettime") != NULL);
}

/* A module of @len bytes, as if read from the memory of a process. */
static struct module image_of(uint8_t *bytes, size_t len)
{
	return (struct module){
		.path = (char *)(uintptr_t)"/usr/lib/libx.so.1",
		.fd = -1,
		.image = bytes,
		.image_bytes = len,
		.is_elf = true,
	};
}

TEST(symbol_of_what_is_not_elf_is_its_file_and_address)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	uint8_t bytes[100] = { 0 };
	struct module module = image_of(bytes, sizeof(bytes));

	f->frames = symbolizer_find(f->symbolizer, &module, 0x1234, &f->n,
				    &f->source);
	CHECK_EQ(f->n, 1);
	CHECK_EQ(f->source, SYMBOL_NONE);
	CHECK_STR(f->frames[0].name, "libx.so.1+0x1234");
	CHECK_STR(f->frames[0].file, "");
}

/* This program's file, in memory. */
static uint8_t *own_file(size_t *out_len)
{
	return (uint8_t *)io_read_file("/proc/self/exe", 64 << 20, out_len);
}

static uint64_t own_vaddr(uintptr_t addr)
{
	Dl_info info;

	return dladdr((void *)addr, &info) ?
		       addr - (uintptr_t)info.dli_fbase : 0;
}

TEST(symbol_of_a_stripped_function_is_its_start_by_unwind_information)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	size_t len;
	CLEANUP(free) uint8_t *file = own_file(&len);
	CLEANUP(free) char *expected = NULL;
	struct module module = image_of(file, len);
	ElfW(Ehdr) *ehdr = (ElfW(Ehdr) *)file;
	uint64_t start = own_vaddr((uintptr_t)&outermost);

	CHECK(file && len > sizeof(*ehdr));
	if (ehdr->e_type != ET_DYN)
		SKIP("this test is not position independent");
	/* Without section headers there is no .symtab and no DWARF. */
	ehdr->e_shoff = ehdr->e_shnum = ehdr->e_shstrndx = 0;
	f->frames = symbolizer_find(f->symbolizer, &module, start + 3, &f->n,
				    &f->source);
	expected = xasprintf("libx.so.1+0x%llx", (unsigned long long)start);
	CHECK_STR(f->frames[0].name, expected);
	CHECK_EQ(f->source, SYMBOL_NONE);
}

TEST(symbol_survives_files_cut_anywhere)
{
	size_t len;
	CLEANUP(free) uint8_t *file = own_file(&len);

	CHECK(file != NULL);
	for (size_t cut = len; cut > 64; cut -= cut / 9 + 1) {
		CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
		struct module module = image_of(file, cut);

		f->frames = symbolizer_find(f->symbolizer, &module, 0x1500,
					    &f->n, &f->source);
		CHECK(f->n >= 1);
		CHECK(f->frames[0].name[0] != '\0');
	}
}

TEST(symbol_survives_files_with_bytes_changed)
{
	size_t len;
	CLEANUP(free) uint8_t *file = own_file(&len);
	uint64_t pc = own_vaddr(outermost());
	uint64_t random = 1;

	CHECK(file != NULL);
	for (int round = 0; round < 60; round++) {
		CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
		struct module module = image_of(file, len);

		for (int i = 0; i < 40; i++) {
			random = hash_u64(random + 1);
			file[64 + random % (len - 64)] ^=
				(uint8_t)(random >> 56);
		}
		for (uint64_t at = 0; at < 400; at += 40)
			f->frames = symbolizer_find(f->symbolizer, &module,
						    pc + at, &f->n,
						    &f->source);
		CHECK(f->n >= 1);
	}
}

/* Write @text to @path below the directory @dir; the folder must exist. */
static void put_file(const char *dir, const char *path, const char *text)
{
	CLEANUP(free) char *name = xasprintf("%s/%s", dir, path);
	FILE *file = fopen(name, "w");

	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

TEST(package_of_a_file_is_found_in_the_lists_of_its_root)
{
	char dir[] = "/tmp/test_symbol.XXXXXX";
	CLEANUP(free) char *remove = NULL, *package = NULL, *none = NULL;
	CLEANUP(free) char *command = NULL;
	struct image_root root = { .prefix = "" };

	CHECK(mkdtemp(dir) != NULL);
	command = xasprintf("mkdir -p %s/var/lib/dpkg/info", dir);
	CHECK_EQ(system(command), 0);
	put_file(dir, "var/lib/dpkg/info/other.list",
		 "/usr/lib/libx.so.1.2\n/usr/lib/libx.so.10\n");
	put_file(dir, "var/lib/dpkg/info/libx1:amd64.list",
		 "/.\n/lib\n/lib/libx.so.1\n");
	put_file(dir, "var/lib/dpkg/info/libx1:amd64.md5sums",
		 "/usr/lib/libx.so.1\n");
	root.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	package = package_of_file(&root, "/usr/lib/libx.so.1");
	none = package_of_file(&root, "/usr/lib/liby.so.1");
	close(root.fd);
	remove = xasprintf("rm -r %s", dir);
	CHECK_EQ(system(remove), 0);
	CHECK_STR(package, "libx1");
	CHECK(!none);
}

static const struct range *find_slowly(const struct range *ranges, size_t n,
				       uint64_t addr)
{
	const struct range *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct range *r = &ranges[i];

		if (addr < r->start || addr >= r->end)
			continue;
		if (!best || r->rank > best->rank ||
		    (r->rank == best->rank &&
		     (r->start > best->start ||
		      (r->start == best->start &&
		       (r->end < best->end ||
			(r->end == best->end && r->value < best->value))))))
			best = r;
	}
	return best;
}

TEST(range_index_agrees_with_a_linear_search)
{
	struct range ranges[300];
	struct range_index index;
	uint64_t random = 7;

	range_index_init(&index);
	for (uint32_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		random = hash_u64(random + 1);
		ranges[i] = (struct range){ .start = random % 1000,
					    .rank = random >> 61,
					    .value = i };
		ranges[i].end = ranges[i].start + (random >> 20) % 60;
		range_index_add(&index, &ranges[i]);
	}
	range_index_sort(&index);
	for (uint64_t addr = 0; addr < 1100; addr++) {
		const struct range *a = range_index_find(&index, addr);
		const struct range *b =
			find_slowly(ranges, ARRAY_SIZE(ranges), addr);

		CHECK_EQ(a ? (int64_t)a->value : -1,
			 b ? (int64_t)b->value : -1);
	}
	range_index_clear(&index);
}

/* All of @addrs, as symbolizer_find_ahead() wants them. */
static void find_ahead(struct fixture *f, const uintptr_t *addrs, size_t n)
{
	struct symbol_place places[16];
	size_t n_places = 0;

	for (size_t i = 0; i < n && n_places < 16; i++) {
		const struct mapping *mapping = space_find(f->space, addrs[i]);
		struct symbol_place *place = &places[n_places];

		if (!mapping || !mapping_vaddr(mapping, addrs[i],
					       &place->vaddr))
			continue;
		place->module = mapping->module;
		n_places++;
	}
	symbolizer_find_ahead(f->symbolizer, places, n_places);
}

TEST(symbol_answers_of_the_child_are_those_that_are_read_here)
{
	CLEANUP(fixture_free) struct fixture *here_f = fixture_new(&plain);
	CLEANUP(fixture_free) struct fixture *ahead = fixture_new(&plain);
	uintptr_t addrs[] = { outermost(), (uintptr_t)&fixture_new + 9,
			      outermost(), /* twice */
			      (uintptr_t)&qsort + 1, (uintptr_t)&strtol + 1 };
	struct symbol_summary a, b;

	find_ahead(ahead, addrs, ARRAY_SIZE(addrs));
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		CHECK(find(here_f, addrs[i]) && find(ahead, addrs[i]));
		CHECK_EQ(here_f->n, ahead->n);
		CHECK_EQ(here_f->source, ahead->source);
		for (size_t j = 0; j < ahead->n; j++) {
			const struct symbol_frame *x = &here_f->frames[j];
			const struct symbol_frame *y = &ahead->frames[j];

			CHECK_STR(x->name, y->name);
			CHECK_STR(x->system_name, y->system_name);
			CHECK_STR(x->file, y->file);
			CHECK_EQ(x->line, y->line);
			CHECK_EQ(x->start_line, y->start_line);
		}
		CHECK(symbolizer_summary(here_f->symbolizer, here_f->module,
					 &a));
		CHECK(symbolizer_summary(ahead->symbolizer, ahead->module,
					 &b));
		CHECK_EQ(a.has_dwarf, b.has_dwarf);
	}
	CHECK(!memcmp(a.n_addresses, b.n_addresses, sizeof(a.n_addresses)));
}

TEST(symbol_of_a_module_that_came_later_has_names_too)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	/* One of libc that sanitizers have no function of their own for. */
	uintptr_t first = outermost(), then[] = { (uintptr_t)&lfind + 1,
						  (uintptr_t)&fixture_free };

	find_ahead(f, &first, 1);
	find_ahead(f, then, ARRAY_SIZE(then));
	find_ahead(f, then, ARRAY_SIZE(then)); /* nothing is left to ask */
	CHECK(find(f, then[0]));
	CHECK_STR(f->frames[f->n - 1].name, "lfind");
	CHECK(find(f, first));
	CHECK_STR(f->frames[f->n - 1].name, "outermost");
}

TEST(symbol_of_a_file_that_breaks_its_reader_is_lost_and_no_other)
{
	CLEANUP(fixture_free) struct fixture *f = fixture_new(&plain);
	void *nothing = mmap(NULL, 4096, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct module broken = image_of(nothing, 4096);
	uintptr_t good = outermost();
	const struct mapping *mapping = space_find(f->space, good);
	struct symbol_place places[5] = { { &broken, 1 }, { &broken, 2 },
					  { &broken, 3 } };

	broken.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CHECK(nothing != MAP_FAILED && broken.fd >= 0 && mapping);
	for (int i = 3; i < 5; i++) {
		places[i].module = mapping->module;
		CHECK(mapping_vaddr(mapping, good, &places[i].vaddr));
	}
	log_set_level(LOG_ERROR);
	symbolizer_find_ahead(f->symbolizer, places, ARRAY_SIZE(places));
	log_set_level(LOG_NOTICE);
	f->frames = symbolizer_find(f->symbolizer, &broken, 2, &f->n,
				    &f->source);
	CHECK_EQ(f->source, SYMBOL_NONE);
	CHECK_STR(f->frames[0].name, "libx.so.1+0x2");
	CHECK(find(f, good));
	CHECK_STR(f->frames[f->n - 1].name, "outermost");
	munmap(nothing, 4096);
	close(broken.fd);
}

TEST_MAIN()
