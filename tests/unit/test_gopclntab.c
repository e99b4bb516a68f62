/* SPDX-License-Identifier: MIT */
/*
 * test_gopclntab.c - Go's own tables, next to what its DWARF says.
 *
 * A small program is built by the Go that is installed, with and without
 * debug information. GO_PROGRAMS may name more programs, not stripped, by
 * other versions of Go; they are held to the same.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/elf_headers.h"
#include "image/elf_sections.h"
#include "image/gopclntab.h"
#include "unwind/cfi.h"
#include "unwind/go_rows.h"
#include "unwind/walk.h"
#include "util/io.h"
#include "util/strbuf.h"

static const char program[] =
	"package main\n"
	"\n"
	"\n"
	"\n"
	"func inner(x int) int {\n" /* line 5 */
	"	x ^= x >> 7\n"
	"	return x * 31\n" /* 7 */
	"}\n"
	"\n"
	"//go:noinline\n"
	"func outer(x int) int {\n"
	"	var big [300]int\n"
	"	for i := range big {\n"
	"		big[i] = inner(x + i)\n" /* 14 */
	"		x += big[i]\n"
	"	}\n"
	"	println(big[x & 7])\n"
	"	return x\n"
	"}\n"
	"\n"
	"func main() { println(outer(3)) }\n";

/* The module of the file at @path. */
static struct module *open_module(const char *path)
{
	struct module *module = xcalloc(1, sizeof(*module));

	module->path = xstrdup(path);
	module->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (module->fd >= 0)
		module_parse_headers(module);
	return module;
}

static void close_module(struct module *module)
{
	if (module->fd >= 0)
		close(module->fd);
	free(module->segments);
	free(module->image);
	free(module->path);
	free(module);
}

static struct {
	char folder[64];
	char *plain, *stripped, *pie;
	bool is_tried;
} go;

static char *go_build(const char *name, const char *options)
{
	char *path = xasprintf("%s/%s", go.folder, name);
	CLEANUP(free) char *command = xasprintf(
		"cd %s && GOENV=off GOFLAGS= GO111MODULE=off GOTOOLCHAIN=local"
		" GOCACHE=%s/cache CGO_ENABLED=0 go build %s -o %s main.go"
		" >log 2>&1", go.folder, go.folder, options, path);

	if (system(command) == 0)
		return path;
	free(path);
	return NULL;
}

static void go_clean(void)
{
	CLEANUP(free) char *command = xasprintf("rm -rf %s", go.folder);

	if (system(command))
		fprintf(stderr, "cannot remove %s\n", go.folder);
}

/* Build once; whether there is a Go to build with. */
static bool has_go(void)
{
	CLEANUP(free) char *path = NULL;
	int fd;

	if (go.is_tried)
		return go.plain && go.stripped && go.pie;
	go.is_tried = true;
	snprintf(go.folder, sizeof(go.folder), "/tmp/psample-go-XXXXXX");
	if (system("go version >/dev/null 2>&1") || !mkdtemp(go.folder))
		return false;
	atexit(go_clean);
	path = xasprintf("%s/main.go", go.folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || !io_write_full(fd, program, sizeof(program) - 1))
		return false;
	close(fd);
	go.plain = go_build("plain", "");
	go.stripped = go_build("stripped", "-ldflags='-s -w'");
	go.pie = go_build("pie", "-buildmode=pie -ldflags='-s -w'");
	return go.plain && go.stripped && go.pie;
}

struct difference {
	uint64_t n_addresses, n_cfi, n_differ, n_fp_unknown, n_special;
	uint64_t first;
};

/* Compare the rows of one function at each address of it. */
static void compare_function(struct gopclntab *table,
			     const struct module *module, struct cfi *cfi,
			     const struct go_function *function,
			     struct difference *out)
{
	for (uint64_t at = function->start; at < function->end; at++) {
		struct row row, expected;
		struct row_saves saves;

		out->n_addresses++;
		if (!go_rows_find(table, module, at, &row))
			continue;
		cfi_find_row(cfi, at, &expected, &saves);
		if (expected.kind != ROW_PLAIN)
			continue;
		out->n_cfi++;
		if (row.kind != ROW_PLAIN && row.kind != ROW_SWITCH) {
			out->n_special++;
			continue;
		}
		out->n_fp_unknown += row.fp_rule == RULE_UNKNOWN;
		if (row.cfa_reg == expected.cfa_reg &&
		    row.cfa_offset == expected.cfa_offset)
			continue;
		if (out->n_differ++ == 0)
			out->first = at;
	}
}

static struct difference compare_with_cfi(const char *path)
{
	struct difference difference = { 0 };
	struct module *module = open_module(path);
	struct gopclntab *table = gopclntab_open(module);
	struct cfi *cfi = cfi_new(module);
	struct go_function function;

	for (size_t i = 0; table && i < module->n_segments; i++) {
		const struct segment *segment = &module->segments[i];
		uint64_t at = segment->vaddr;

		if (!segment->is_executable)
			continue;
		while (at - segment->vaddr < segment->file_bytes) {
			if (!gopclntab_find(table, at, &function)) {
				at++;
				continue;
			}
			compare_function(table, module, cfi, &function,
					 &difference);
			at = function.end > at ? function.end : at + 1;
		}
	}
	cfi_free(cfi);
	gopclntab_close(table);
	close_module(module);
	return difference;
}

TEST(rows_of_go_tables_are_those_of_the_debug_frame_at_every_pc)
{
	CLEANUP(free) char *list = NULL;
	const char *more = getenv("GO_PROGRAMS");

	if (!has_go() && !more)
		SKIP("no go to build a program with");
	list = xasprintf("%s %s", go.plain ? go.plain : "", more ? more : "");
	for (char *p = strtok(list, " "); p; p = strtok(NULL, " ")) {
		struct difference d = compare_with_cfi(p);

		printf("# %s: %" PRIu64 " addresses, %" PRIu64
		       " with a rule of both, %" PRIu64 " differ (first 0x%"
		       PRIx64 "), %" PRIu64 " special, %" PRIu64
		       " without rbp\n", p, d.n_addresses, d.n_cfi,
		       d.n_differ, d.first, d.n_special, d.n_fp_unknown);
		CHECK(d.n_cfi > 100000);
		CHECK_EQ(d.n_differ, 0);
	}
}


/* The function of this name; false if there is none. */
static bool find_named(struct gopclntab *table, const struct module *module,
		       const char *name, struct go_function *out)
{
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *segment = &module->segments[i];
		uint64_t at = segment->vaddr;

		while (segment->is_executable &&
		       at - segment->vaddr < segment->file_bytes) {
			if (!gopclntab_find(table, at, out)) {
				at++;
				continue;
			}
			if (!strcmp(gopclntab_name(table, out), name))
				return true;
			at = out->end > at ? out->end : at + 1;
		}
	}
	return false;
}

/* Whether main.outer holds main.inner, inlined, with the right lines. */
static bool has_inlined_call(const char *path)
{
	struct module *module = open_module(path);
	struct gopclntab *table = gopclntab_open(module);
	struct go_function outer;
	bool is_found = false;

	if (table && find_named(table, module, "main.outer", &outer))
		for (uint64_t at = outer.start; at < outer.end; at++) {
			struct go_frame f[4];

			if (gopclntab_frames(table, at, f, 4) != 2)
				continue;
			if (strcmp(f[0].name, "main.inner"))
				continue;
			is_found = !strcmp(f[1].name, "main.outer") &&
				   (f[0].line == 6 || f[0].line == 7) &&
				   f[0].start_line == 5 && f[1].line == 14 &&
				   f[1].start_line == 11 &&
				   strstr(f[1].file, "main.go");
			if (!is_found)
				break;
		}
	gopclntab_close(table);
	close_module(module);
	return is_found;
}

TEST(inlined_calls_have_names_and_lines_in_stripped_and_pie_programs)
{
	if (!has_go())
		SKIP("no go to build a program with");
	CHECK(has_inlined_call(go.plain));
	CHECK(has_inlined_call(go.stripped));
	CHECK(has_inlined_call(go.pie));
}

static enum row_kind kind_of_row(const char *path, const char *name)
{
	struct module *module = open_module(path);
	struct gopclntab *table = gopclntab_open(module);
	struct row row = { .kind = ROW_NONE };
	struct go_function function;

	if (table && find_named(table, module, name, &function))
		go_rows_find(table, module, function.start + 1, &row);
	gopclntab_close(table);
	close_module(module);
	return row.kind;
}

TEST(functions_that_nothing_called_are_roots)
{
	if (!has_go())
		SKIP("no go to build a program with");
	CHECK_EQ(kind_of_row(go.stripped, "runtime.goexit"), ROW_ROOT);
	CHECK_EQ(kind_of_row(go.stripped, "runtime.mstart"), ROW_ROOT);
	CHECK_EQ(kind_of_row(go.stripped, "runtime.rt0_go"), ROW_ROOT);
	CHECK_EQ(kind_of_row(go.stripped, "runtime.mcall"), ROW_SWITCH);
	CHECK_EQ(kind_of_row(go.stripped, "main.outer"), ROW_PLAIN);
	CHECK_EQ(kind_of_row(go.stripped, "runtime.sigreturn__sigaction"),
		 ROW_NONE);
}

TEST(a_program_of_c_has_no_such_table)
{
	struct module *module = open_module("/proc/self/exe");

	CHECK(module->is_elf);
	CHECK(!gopclntab_open(module));
	close_module(module);
}

/* Ask all there is to ask of a table that may say anything. */
static void ask_everything(const struct module *module)
{
	struct gopclntab *table = gopclntab_open(module);
	unsigned int seed = 7;

	for (int i = 0; table && i < 100; i++) {
		const struct segment *segment =
			&module->segments[rand_r(&seed) % module->n_segments];
		uint64_t at = segment->vaddr +
			      (uint64_t)rand_r(&seed) % segment->memory_bytes;
		struct go_frame frames[8];
		struct row row;

		gopclntab_frames(table, at, frames, 8);
		go_rows_find(table, module, at, &row);
	}
	gopclntab_close(table);
}

/* The file at @path in memory, without section headers. */
static struct module *load_module(const char *path)
{
	struct module *module = open_module(path);
	size_t len = 0;

	module->image = (uint8_t *)io_read_file(path, 64 << 20, &len);
	module->image_bytes = len;
	memset(module->image + 40, 0, 8);  /* e_shoff */
	memset(module->image + 60, 0, 2);  /* e_shnum */
	return module;
}

static size_t find_magic(const struct module *module)
{
	static const uint8_t end_of_magic[] = { 0xff, 0xff, 0xff, 0,
						0,    1,    8 };
	const uint8_t *p = memmem(module->image, module->image_bytes,
				  end_of_magic, sizeof(end_of_magic));

	return p ? (size_t)(p - module->image) - 1 : 0;
}

TEST(a_table_is_found_without_section_headers)
{
	struct gopclntab *table;
	struct module *module;

	if (!has_go())
		SKIP("no go to build a program with");
	module = load_module(go.stripped);
	table = gopclntab_open(module);
	CHECK(table);
	gopclntab_close(table);
	close_module(module);
	module = load_module(go.pie);
	table = gopclntab_open(module);
	CHECK(table);
	gopclntab_close(table);
	close_module(module);
}

TEST(garbage_in_a_table_neither_crashes_nor_hangs)
{
	unsigned int seed = 1;
	struct module *module;
	size_t magic, spread;

	if (!has_go())
		SKIP("no go to build a program with");
	for (int round = 0; round < 150; round++) {
		module = load_module(go.stripped);
		magic = find_magic(module);
		CHECK(magic > 0);
		/* The header first, then ever more of what follows it. */
		spread = round < 50 ? 72 : (size_t)round * 4000;
		for (int i = 0; i < (round < 50 ? 2 : 400); i++)
			module->image[magic + 8 + (size_t)rand_r(&seed) %
						  spread] =
				(uint8_t)rand_r(&seed);
		if (round % 5 == 0)
			module->image_bytes = magic + 64 + spread;
		ask_everything(module);
		close_module(module);
	}
}

/* One mapping of a Go program, and stacks written by hand. */
struct scene {
	struct modules modules;
	struct space *space;
	struct unwinder *unwinder;
	struct snapshot snapshot;
	uint64_t system_stack[64], goroutine[64];
	struct frames frames;
};

#define SYSTEM_BASE 0x7f0000000000u
#define GOROUTINE_BASE 0xc000100000u

static int scene_open(void *ctx, const struct mapping *mapping)
{
	(void)mapping;
	return open(ctx, O_RDONLY | O_CLOEXEC);
}

static void scene_init(struct scene *scene, char *path)
{
	struct walk_options options = { .method = WALK_AUTO };
	struct image_source source = { .open_mapping = scene_open,
				       .ctx = path };
	CLEANUP(strbuf_clear) struct strbuf maps = { 0 };
	struct module *module = open_module(path);

	memset(scene, 0, sizeof(*scene));
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *s = &module->segments[i];

		if (s->is_executable)
			strbuf_addf(&maps, "%" PRIx64 "-%" PRIx64
				    " r-xp %" PRIx64 " 08:01 77 %s\n",
				    s->vaddr & ~4095u,
				    (s->vaddr + s->memory_bytes + 4095) &
					    ~4095u,
				    s->offset & ~4095u, path);
	}
	close_module(module);
	modules_init(&scene->modules);
	scene->space = space_new(&scene->modules, &source);
	space_update(scene->space, maps.data, maps.len);
	scene->unwinder = unwinder_new(&options);
	scene->snapshot = (struct snapshot){
		.base = SYSTEM_BASE,
		.bytes = (const uint8_t *)scene->system_stack,
		.n_bytes = sizeof(scene->system_stack),
	};
}

static void scene_clear(struct scene *scene)
{
	vec_clear(&scene->frames.list);
	unwinder_free(scene->unwinder);
	space_free(scene->space);
	modules_clear(&scene->modules);
}

/* The first return address of a call to @target by main code, or 0. */
static uint64_t find_call(const struct module *module, uint64_t target)
{
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *s = &module->segments[i];
		CLEANUP(free) uint8_t *code = xmalloc(s->file_bytes + 1);
		ssize_t n = module_read(module, s->vaddr, code,
					s->file_bytes);

		for (ssize_t k = 0; s->is_executable && k + 5 <= n; k++) {
			uint64_t next = s->vaddr + (uint64_t)k + 5;
			int32_t distance;

			memcpy(&distance, code + k + 1, 4);
			if (code[k] == 0xe8 &&
			    next + (uint64_t)(int64_t)distance == target)
				return next;
		}
	}
	return 0;
}

/*
 * A thread in a function called by systemstack() (the leaf is that one
 * itself), for a caller whose frame is on the goroutine's stack and which
 * returns to goexit.
 */
static bool scene_switch(struct scene *scene, const char *path)
{
	struct module *module = open_module(path);
	struct gopclntab *table = gopclntab_open(module);
	struct go_function change, exit_function;
	struct row row = { .kind = ROW_NONE };
	uint64_t pc = 0, *stack = scene->goroutine;
	size_t cfa;

	if (table &&
	    find_named(table, module, "runtime.goexit", &exit_function) &&
	    find_named(table, module, "runtime.systemstack", &change))
		pc = find_call(module, change.start);
	if (pc)
		go_rows_find(table, module, pc - 1, &row);
	gopclntab_close(table);
	close_module(module);
	cfa = 2 + (size_t)row.cfa_offset / 8;
	if (row.kind != ROW_PLAIN || cfa > 60)
		return false;
	stack[0] = GOROUTINE_BASE + 8 * (cfa - 2);
	stack[1] = pc;
	stack[cfa - 2] = 0;
	stack[cfa - 1] = exit_function.start + 1;
	regs_set(&scene->snapshot.regs, CPU_PC, change.start + 40);
	regs_set(&scene->snapshot.regs, CPU_SP, SYSTEM_BASE + 16 * 8);
	regs_set(&scene->snapshot.regs, CPU_FP, GOROUTINE_BASE);
	return true;
}

TEST(system_stack_is_joined_with_that_of_its_goroutine)
{
	struct scene scene;

	if (!has_go())
		SKIP("no go to build a program with");
	scene_init(&scene, go.stripped);
	CHECK(scene_switch(&scene, go.stripped));
	scene.snapshot.other_base = GOROUTINE_BASE;
	scene.snapshot.other_bytes = (const uint8_t *)scene.goroutine;
	scene.snapshot.n_other_bytes = sizeof(scene.goroutine);
	unwinder_walk(scene.unwinder, scene.space, &scene.snapshot,
		      &scene.frames);
	CHECK_EQ(scene.frames.end, WALK_ROOT);
	CHECK_EQ(scene.frames.list.n, 3);
	CHECK_EQ(unwinder_counts(scene.unwinder)->lost_switches, 0);
	CHECK(scene.frames.used_bytes <= 17 * 8);
	scene_clear(&scene);
}

TEST(system_stack_alone_ends_as_a_root_and_is_counted)
{
	struct scene scene;

	if (!has_go())
		SKIP("no go to build a program with");
	scene_init(&scene, go.stripped);
	CHECK(scene_switch(&scene, go.stripped));
	unwinder_walk(scene.unwinder, scene.space, &scene.snapshot,
		      &scene.frames);
	CHECK_EQ(scene.frames.end, WALK_ROOT);
	CHECK_EQ(scene.frames.list.n, 1);
	CHECK_EQ(unwinder_counts(scene.unwinder)->lost_switches, 1);
	scene_clear(&scene);
}

TEST_MAIN()
