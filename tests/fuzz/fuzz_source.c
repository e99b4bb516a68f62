/* SPDX-License-Identifier: MIT */
/*
 * fuzz_source.c - list, disasm and weblist with hostile files: sources, ELF
 * files, and what nm and objdump say of them.
 *
 *	byte 0: the report; byte 1: flags; the rest: ELF, symbols, instructions
 *	and source, with a line "%%" between any two
 *
 * What is no ELF file is replaced by a header that covers the profile. nm and
 * objdump are not run: child_run() here hands out their part of the input. The
 * page must be text and have no markup that it did not make.
 */
#include <assert.h>
#include <elf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "profile/text.h"
#include "report/report.h"
#include "util/child.h"
#include "util/log.h"

enum { HEAD_BYTES = 2, N_PARTS = 4, START = 0x400000, LIMIT = 0x500000 };

struct part {
	const uint8_t *data;
	size_t size;
};

/* ELF, symbols, instructions, source; child_run() knows no other way. */
static struct part parts[N_PARTS];

/* --- in place of util/child.c ------------------------------------------ */

char *child_find(const char *program)
{
	return xstrdup(program);
}

struct error *child_run(const char *const *argv, const struct strbuf *input,
			bool is_quiet, struct strbuf *out)
{
	const struct part *part = &parts[strstr(argv[0], "objdump") ? 2 : 1];

	(void)input;
	(void)is_quiet;
	strbuf_add(out, part->data, part->size);
	return NULL;
}

struct error *child_start(const char *const *argv, pid_t *out_pid)
{
	*out_pid = -1;
	return error_new("%s is not started", argv[0]);
}

int child_wait(pid_t pid)
{
	return (int)pid;
}

/* --- files ------------------------------------------------------------- */

static void split(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < N_PARTS; i++) {
		const uint8_t *end = i + 1 < N_PARTS ?
					     memmem(data, size, "\n%%\n", 4) :
					     NULL;

		parts[i].data = data;
		parts[i].size = end ? (size_t)(end - data) : size;
		size -= parts[i].size + (end ? 4 : 0);
		data += parts[i].size + (end ? 4 : 0);
	}
}

/* A file without a name, as a path of which it can be opened. */
static int make_file(const void *data, size_t size, char *path)
{
	int fd = memfd_create("fuzz", 0);
	ssize_t n = write(fd, data, size);

	assert(fd >= 0 && n == (ssize_t)size);
	sprintf(path, "/proc/self/fd/%d", fd);
	return fd;
}

static int make_elf(char *path)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} elf = {
		.header = { .e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 1,
			    .e_phentsize = sizeof(Elf64_Phdr) },
		.segment = { .p_type = PT_LOAD, .p_vaddr = START,
			     .p_filesz = LIMIT - START,
			     .p_memsz = LIMIT - START },
	};

	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	if (parts[0].size > SELFMAG && !memcmp(parts[0].data, ELFMAG, SELFMAG))
		return make_file(parts[0].data, parts[0].size, path);
	return make_file(&elf, sizeof(elf), path);
}

/* --- the profile ------------------------------------------------------- */

static void add_function(struct pp *pp, const char *name, const char *source)
{
	struct pp_function *function = vec_push(&pp->functions);

	function->id = pp->functions.n;
	function->name = function->system_name = pp_string(pp, name);
	function->filename = pp_string(pp, source);
	function->start_line = 2;
}

static void add_location(struct pp *pp, uint32_t function, uint32_t inlined)
{
	struct pp_location *location = vec_push(&pp->locations);

	location->id = pp->locations.n;
	location->address = START + 0x1000 * (uint64_t)function +
			    4 * location->id;
	location->first_line = (uint32_t)pp->lines.n;
	location->n_lines = inlined == function ? 1 : 2;
	if (inlined != function)
		*(struct pp_line *)vec_push(&pp->lines) = (struct pp_line){
			.line = 7, .function = inlined };
	*(struct pp_line *)vec_push(&pp->lines) = (struct pp_line){
		.line = (int64_t)location->id + 2, .function = function };
}

static struct pp *make_profile(struct intern *strings, const char *elf,
			       const char *source)
{
	static const uint32_t stacks[][4] = {
		{ 3, 2, 1, 0 }, { 4, 1, 1, 0 }, { 2, 2, 0, 0 }, { 1, 0, 0, 0 },
	};
	struct pp *pp = pp_new(strings);
	struct pp_mapping *mapping = vec_push(&pp->mappings);
	struct pp_type types[] = {
		{ pp_string(pp, "samples"), pp_string(pp, "count") },
		{ pp_string(pp, "cpu"), pp_string(pp, "nanoseconds") },
	};

	*mapping = (struct pp_mapping){ .id = 1, .start = START,
					.limit = LIMIT };
	mapping->file = pp_string(pp, elf);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		*(struct pp_type *)vec_push(&pp->types) = types[i];
	add_function(pp, "main", source);
	add_function(pp, "ns::work<int>(char)", source);
	add_function(pp, "leaf", "gone.c");
	for (uint32_t i = 0; i < 5; i++)
		add_location(pp, i % 3, i > 2 ? (i + 1) % 3 : i % 3);
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		int64_t *values = pp_sample(pp, pp_stack(pp, stacks[i], 4), 0);

		values[0] = (int64_t)i + 1;
		values[1] = 1000000 * values[0];
	}
	return pp;
}

/* --- the reports ------------------------------------------------------- */

static void choose_settings(struct settings *settings, unsigned flags)
{
	static const char *const names[][2] = {
		{ "intel_syntax", "true" }, { "mean", "true" },
		{ "pprof_sums", "true" },   { "noinlines", "true" },
		{ "nodefraction", "0.3" },  { "sample_index", "0" },
		{ "trim_path", "/proc" },   { "focus", "work" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags >> i & 1)
			error_free(setting_set(settings,
					       setting_find(names[i][0]),
					       names[i][1]));
}

static void check_page(const struct strbuf *page)
{
	assert(page->data && utf8_is_valid(page->data));
	assert(!strcasestr(page->data, "<script"));
	assert(!strcasestr(page->data, "<img"));
}

static void show(const struct pp *pp, const uint8_t *head)
{
	static const char *const formats[] = { "weblist", "disasm", "list" };
	static const char *const args[] = { ".", "work", "0x401008" };
	const char *name = formats[head[0] % ARRAY_SIZE(formats)];
	struct settings settings;
	struct strbuf text = { 0 };
	struct error *error;

	settings_init(&settings);
	choose_settings(&settings, head[1]);
	error = report_make(pp, report_format_find(name),
			    args[head[0] / 4 % ARRAY_SIZE(args)], &settings,
			    &text);
	if (!error && !strcmp(name, "weblist"))
		check_page(&text);
	error_free(error);
	strbuf_clear(&text);
	settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char elf[32], source[32];
	struct intern strings;
	struct pp *pp;
	int elf_fd, source_fd;

	if (size < HEAD_BYTES)
		return 0;
	log_set_level(LOG_ERROR);
	split(data + HEAD_BYTES, size - HEAD_BYTES);
	elf_fd = make_elf(elf);
	source_fd = make_file(parts[3].data, parts[3].size, source);
	intern_init(&strings);
	pp = make_profile(&strings, elf, source);
	show(pp, data);
	pp_free(pp);
	intern_clear(&strings);
	close(source_fd);
	close(elf_fd);
	return 0;
}
