/* SPDX-License-Identifier: MIT */
/*
 * objfile.c - addresses and symbols of a program or library.
 *
 * A runtime address is at file offset address - start + offset of its
 * mapping; the PT_LOAD with that offset tells the vaddr (elf(5)).
 */
#include "report/objfile.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "profile/text.h"
#include "util/child.h"
#include "util/io.h"

#define NOTE_BYTES_MAX 65536

struct objfile_segment { /* one PT_LOAD */
	uint64_t offset, vaddr, memory_bytes;
};

/* --- headers ---------------------------------------------------------- */

/* The build id among the notes of a PT_NOTE (elf(5), Notes). */
static char *find_build_id(const uint8_t *notes, size_t len)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	Elf64_Nhdr header;

	while (len >= sizeof(header)) {
		const uint8_t *name = notes + sizeof(header), *bytes;
		uint64_t name_bytes, total;

		memcpy(&header, notes, sizeof(header));
		name_bytes = ((uint64_t)header.n_namesz + 3) & ~3ull;
		total = sizeof(header) + name_bytes +
			(((uint64_t)header.n_descsz + 3) & ~3ull);
		if (total > len)
			return NULL;
		bytes = name + name_bytes;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
		    !memcmp(name, "GNU", 4)) {
			strbuf_adds(&text, "");
			for (uint32_t i = 0; i < header.n_descsz; i++)
				strbuf_addf(&text, "%02x", bytes[i]);
			return strbuf_take(&text);
		}
		notes += total;
		len -= total;
	}
	return NULL;
}

static void read_notes(struct objfile *file, int fd, const Elf64_Phdr *phdr)
{
	CLEANUP(free) uint8_t *notes = NULL;
	ssize_t n;

	if (file->build_id || phdr->p_filesz > NOTE_BYTES_MAX ||
	    phdr->p_offset > INT64_MAX)
		return;
	notes = xmalloc(phdr->p_filesz + 1);
	n = io_pread_full(fd, notes, phdr->p_filesz, (off_t)phdr->p_offset);
	if (n > 0)
		file->build_id = find_build_id(notes, (size_t)n);
}

/* The program header at @at; that of a 32-bit file is widened. */
static bool read_phdr(int fd, uint64_t at, bool is_64, Elf64_Phdr *out)
{
	Elf32_Phdr narrow;

	if (at > INT64_MAX)
		return false;
	if (is_64)
		return io_pread_full(fd, out, sizeof(*out), (off_t)at) ==
		       sizeof(*out);
	if (io_pread_full(fd, &narrow, sizeof(narrow), (off_t)at) !=
	    sizeof(narrow))
		return false;
	*out = (Elf64_Phdr){
		.p_type = narrow.p_type, .p_offset = narrow.p_offset,
		.p_vaddr = narrow.p_vaddr, .p_filesz = narrow.p_filesz,
		.p_memsz = narrow.p_memsz,
	};
	return true;
}

static void read_segments(struct objfile *file, int fd, bool is_64,
			  const Elf64_Ehdr *header)
{
	for (size_t i = 0; i < header->e_phnum; i++) {
		struct objfile_segment *segment;
		uint64_t at = header->e_phoff + i * header->e_phentsize;
		Elf64_Phdr phdr;

		if (!read_phdr(fd, at, is_64, &phdr))
			return;
		if (phdr.p_type == PT_NOTE)
			read_notes(file, fd, &phdr);
		if (phdr.p_type != PT_LOAD || !phdr.p_filesz)
			continue;
		segment = vec_push(&file->segments);
		*segment = (struct objfile_segment){
			phdr.p_offset, phdr.p_vaddr, phdr.p_memsz,
		};
	}
}

/* The header of either class: of a 32-bit file what read_segments needs. */
static bool read_ehdr(int fd, Elf64_Ehdr *out)
{
	Elf32_Ehdr narrow;

	if (io_pread_full(fd, &narrow, sizeof(narrow), 0) != sizeof(narrow) ||
	    memcmp(narrow.e_ident, ELFMAG, SELFMAG) != 0 ||
	    narrow.e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	if (narrow.e_ident[EI_CLASS] == ELFCLASS64)
		return io_pread_full(fd, out, sizeof(*out), 0) ==
		       sizeof(*out);
	memcpy(out->e_ident, narrow.e_ident, sizeof(out->e_ident));
	out->e_phoff = narrow.e_phoff;
	out->e_phentsize = narrow.e_phentsize;
	out->e_phnum = narrow.e_phnum;
	return narrow.e_ident[EI_CLASS] == ELFCLASS32;
}

static struct error *read_header(struct objfile *file, int fd)
{
	Elf64_Ehdr header;
	bool is_64;

	if (!read_ehdr(fd, &header))
		return error_new("%s: no ELF file for a little-endian CPU",
				 file->path);
	is_64 = header.e_ident[EI_CLASS] == ELFCLASS64;
	if (header.e_phentsize ==
	    (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		read_segments(file, fd, is_64, &header);
	return NULL;
}

struct error *objfile_open(const char *path, struct objfile *out)
{
	struct stat st;
	CLEANUP(close_fd) int fd = -1;

	*out = (struct objfile){
		/* A path is never an option of the tools. */
		.path = xasprintf("%s%s", *path == '-' ? "./" : "", path),
		.segments = VEC_OF(struct objfile_segment),
		.symbols = VEC_OF(struct objfile_symbol),
	};
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
		return error_errno(errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return error_new("%s: no regular file", path);
	return read_header(out, fd);
}

void objfile_clear(struct objfile *file)
{
	vec_clear(&file->segments);
	vec_clear(&file->symbols);
	arena_clear(&file->arena);
	free(file->path);
	free(file->build_id);
	*file = (struct objfile){ 0 };
}

/* A mapping of everything is a profile's way to say "these are vaddrs". */
static bool is_whole(const struct objfile_mapping *mapping)
{
	return !mapping->start && !mapping->offset &&
	       (mapping->limit == UINT64_MAX || !mapping->limit);
}

bool objfile_vaddr(const struct objfile *file,
		   const struct objfile_mapping *mapping, uint64_t address,
		   uint64_t *out)
{
	uint64_t offset = address - mapping->start + mapping->offset;

	*out = address;
	if (!address)
		return false;
	if (is_whole(mapping))
		return true;
	if (address < mapping->start || address >= mapping->limit)
		return false;
	for (size_t i = 0; i < file->segments.n; i++) {
		const struct objfile_segment *s =
			vec_at(&file->segments, i);

		if (offset < s->offset ||
		    offset - s->offset >= s->memory_bytes)
			continue;
		*out = offset - s->offset + s->vaddr;
		return true;
	}
	return false;
}

/* --- tools ------------------------------------------------------------ */

/* "objdump:/opt/bin" is for objdump and llvm-objdump, "/opt/bin" for all. */
static char *find_in_entry(const char *entry, const char *name)
{
	const char *colon = strchr(entry, ':');
	size_t n = colon ? (size_t)(colon - entry) : 0, len = strlen(name);
	CLEANUP(free) char *path = NULL;

	if (n > len || strncmp(name + len - n, entry, n) != 0)
		return NULL;
	path = xasprintf("%s/%s", colon ? colon + 1 : entry, name);
	return child_find(path);
}

static char *find_in_tools(const char *name)
{
	const char *tools = getenv("PPROF_TOOLS");
	char *found = NULL;

	while (!found && tools && *tools) {
		size_t n = strcspn(tools, ",");
		CLEANUP(free) char *entry = xstrndup(tools, n);

		found = find_in_entry(entry, name);
		tools += n + (tools[n] == ',');
	}
	return found;
}

char *objfile_find_tool(const char *const *names)
{
	char *found = NULL;

	for (size_t i = 0; !found && names[i]; i++)
		found = find_in_tools(names[i]);
	for (size_t i = 0; !found && names[i]; i++)
		found = child_find(names[i]);
	return found;
}

/* --- symbols ----------------------------------------------------------- */

struct nm_line {
	uint64_t vaddr;
	char *name;
};

/* "0000000000001136 T main"; other lines are left out. */
static bool parse_nm_line(char *line, struct nm_line *out)
{
	char *end, *p;
	size_t n;

	errno = 0;
	line += strspn(line, " \t");
	if (!isxdigit((unsigned char)*line))
		return false;
	out->vaddr = strtoull(line, &end, 16);
	if (errno || (*end != ' ' && *end != '\t'))
		return false;
	p = end + strspn(end, " \t");
	if (!*p || (p[1] != ' ' && p[1] != '\t'))
		return false;
	p += 1 + strspn(p + 1, " \t");
	n = strlen(p);
	while (n && isspace((unsigned char)p[n - 1]))
		p[--n] = '\0';
	out->name = p;
	return true;
}

/* A name in a file may hold any bytes; what is shown is UTF-8. */
static void repair(struct strbuf *text)
{
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };

	if (utf8_is_valid(text->data))
		return;
	utf8_add_repaired(&repaired, text->data);
	strbuf_reset(text);
	strbuf_adds(text, repaired.data);
}

static void parse_nm(char *text, struct vec *out)
{
	*out = VEC_OF(struct nm_line);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct nm_line parsed;

		if (parse_nm_line(line, &parsed))
			*(struct nm_line *)vec_push(out) = parsed;
	}
}

static struct error *run_nm(const struct objfile *file, const char *nm,
			    bool is_dynamic, bool is_demangled,
			    struct strbuf *out)
{
	const char *argv[6] = { nm, "-n" };
	size_t n = 2;

	if (is_dynamic)
		argv[n++] = "-D";
	if (is_demangled)
		argv[n++] = "-C";
	argv[n] = file->path;
	return child_run(argv, NULL, true, out);
}

/* "read@@GLIBC_2.2.5" is read. */
static void cut_versions(const struct vec *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		struct nm_line *line = vec_at(lines, i);

		line->name[strcspn(line->name, "@")] = '\0';
	}
}

/* The names of lines [@from, @to) into the arena. */
static const char *const *copy_names(struct objfile *file,
				     const struct vec *lines, size_t from,
				     size_t to)
{
	const char **names = arena_alloc(&file->arena,
					 (to - from) * sizeof(*names));

	for (size_t i = from; i < to; i++) {
		const struct nm_line *line = vec_at(lines, i);

		names[i - from] = arena_copy(&file->arena, line->name,
					     strlen(line->name));
	}
	return names;
}

static void add_symbols(struct objfile *file, const struct vec *lines,
			const struct vec *plain)
{
	for (size_t i = 0, end; i < lines->n; i = end) {
		uint64_t start = ((struct nm_line *)vec_at(lines, i))->vaddr;
		struct objfile_symbol *symbol = vec_push(&file->symbols);

		for (end = i + 1; end < lines->n; end++)
			if (((struct nm_line *)vec_at(lines, end))->vaddr !=
			    start)
				break;
		symbol->start = start;
		symbol->end = UINT64_MAX;
		if (end < lines->n)
			symbol->end =
				((struct nm_line *)vec_at(lines, end))->vaddr;
		symbol->n_names = end - i;
		symbol->names = copy_names(file, lines, i, end);
		symbol->plain = plain->n == lines->n ?
					copy_names(file, plain, i, end) :
					symbol->names;
	}
}

/* Only C++ and Rust have names that read otherwise. */
static bool has_mangled(const char *text)
{
	return strstr(text, " _Z") || strstr(text, " _R");
}

static struct error *read_table(struct objfile *file, const char *nm,
				bool is_dynamic)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	CLEANUP(strbuf_clear) struct strbuf demangled = { 0 };
	struct vec lines, plain;
	struct error *error = run_nm(file, nm, is_dynamic, false, &text);

	if (error)
		return error;
	if (text.len && has_mangled(text.data))
		error_free(run_nm(file, nm, is_dynamic, true, &demangled));
	strbuf_adds(&text, "");
	strbuf_adds(&demangled, "");
	repair(&text);
	repair(&demangled);
	parse_nm(text.data, &lines);
	parse_nm(demangled.data, &plain);
	if (is_dynamic) {
		cut_versions(&lines);
		cut_versions(&plain);
	}
	add_symbols(file, &lines, &plain);
	vec_clear(&lines);
	vec_clear(&plain);
	return NULL;
}

struct error *objfile_read_symbols(struct objfile *file)
{
	static const char *const names[] = { "llvm-nm", "nm", NULL };
	CLEANUP(free) char *nm = objfile_find_tool(names);
	struct error *error;

	if (!nm)
		return error_hint(error_new("nm, which tells the symbols of "
					    "programs, is not installed"),
				  "try:   apt-get install binutils");
	error = read_table(file, nm, false);
	if (!error && !file->symbols.n)
		error = read_table(file, nm, true);
	return error;
}

const struct objfile_symbol *objfile_symbol_at(const struct objfile *file,
					       uint64_t vaddr)
{
	size_t n = vec_count_up_to(&file->symbols, vaddr);
	const struct objfile_symbol *symbol =
		n ? vec_at(&file->symbols, n - 1) : NULL;

	return symbol && vaddr < symbol->end ? symbol : NULL;
}
