/* SPDX-License-Identifier: MIT */
/*
 * go_tables.c - where the parts of Go's pc-line table are in a file.
 *
 * The table begins with a magic number (internal/abi/symtab.go) and a header
 * of offsets. Since Go 1.18 functions are counted from runtime.text, and
 * that is said by the header (until 1.25, and as a relocation where the file
 * is position-independent) and by the linker's moduledata, which is found as
 * the words that begin with a pointer to the header, and hold minpc, maxpc
 * and text one after the other (runtime/symtab.go).
 */
#include "image/go_tables.h"

#include <string.h>

#include "image/elf_relocs.h"
#include "image/elf_sections.h"
#include "util/mem.h"

#define MAGIC_1_2 0xfffffffbu
#define MAGIC_1_16 0xfffffffau
#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u
#define FUNCTIONS_MAX (8u << 20)
/* The rest of a file without sections is searched no further than this. */
#define SEARCH_BYTES_MAX (1u << 30)
#define BLOCK_BYTES 65536u
#define MODULEDATA_WORDS 64
#define TRIES_MAX 64
/* From text to gofunc, in words; covctrs and ecovctrs came with 1.20. */
#define TEXT_TO_TYPES 15
#define TEXT_TO_INLINED 18
#define TEXT_TO_INLINED_1_27 21
#define TEXT_TO_INLINED_1_18 16

struct header {
	uint32_t magic;
	uint8_t zero[2];
	uint8_t quantum, pointer_bytes;
	uint64_t words[8];
};

static bool version_of_magic(uint32_t magic, enum go_version *out)
{
	switch (magic) {
	case MAGIC_1_2:
		*out = GO_1_2;
		return true;
	case MAGIC_1_16:
		*out = GO_1_16;
		return true;
	case MAGIC_1_18:
		*out = GO_1_18;
		return true;
	case MAGIC_1_20:
		*out = GO_1_20;
		return true;
	default:
		return false;
	}
}

static bool header_is_ours(const struct header *header,
			   enum go_version *out_version)
{
	return version_of_magic(header->magic, out_version) &&
	       header->zero[0] == 0 && header->zero[1] == 0 &&
	       header->quantum == 1 && header->pointer_bytes == 8;
}

/* The oldest form: one array of everything, the files behind the index. */
static bool parse_1_2(const struct module *module, struct go_tables *tables,
		      uint64_t index_bytes)
{
	uint32_t files;

	tables->index = 16;
	if (tables->n_bytes - tables->index < index_bytes + sizeof(files) ||
	    module_read(module, tables->vaddr + tables->index + index_bytes,
			&files, sizeof(files)) != (ssize_t)sizeof(files))
		return false;
	tables->names = tables->units = tables->values = tables->data = 0;
	tables->files = files;
	return files < tables->n_bytes;
}

static bool parse_header(const struct module *module, uint64_t vaddr,
			 uint64_t n_bytes, struct go_tables *tables)
{
	struct header header;
	uint64_t index_bytes;
	const uint64_t *at;

	*tables = (struct go_tables){ .vaddr = vaddr, .n_bytes = n_bytes };
	if (n_bytes < sizeof(header) ||
	    module_read(module, vaddr, &header, sizeof(header)) !=
		    (ssize_t)sizeof(header) ||
	    !header_is_ours(&header, &tables->version))
		return false;
	tables->n_functions = header.words[0];
	if (tables->n_functions == 0 || tables->n_functions > FUNCTIONS_MAX)
		return false;
	index_bytes = (2 * tables->n_functions + 1) *
		      go_tables_entry_bytes(tables);
	if (tables->version == GO_1_2)
		return parse_1_2(module, tables, index_bytes);
	if (tables->version >= GO_1_18)
		tables->text = header.words[2];
	at = header.words + (tables->version >= GO_1_18 ? 3 : 2);
	tables->names = at[0];
	tables->units = at[1];
	tables->files = at[2];
	tables->values = at[3];
	tables->data = tables->index = at[4];
	for (size_t i = 0; i < 5; i++)
		if (at[i] >= n_bytes)
			return false;
	return n_bytes - tables->index >= index_bytes;
}

/* The address range that one byte of a file is searched or found in. */
typedef bool (*word_fn)(void *ctx, const struct segment *segment,
			uint64_t vaddr, uint64_t word);

/*
 * Give the aligned words of @segment to @fn until it returns true, and take
 * what was read off *@budget: segments may all be the same part of the file.
 */
static bool each_word(const struct module *module,
		      const struct segment *segment, uint64_t *budget,
		      word_fn fn, void *ctx)
{
	CLEANUP(free) uint64_t *block = xmalloc(BLOCK_BYTES);
	uint64_t at = (8 - segment->vaddr % 8) % 8;
	uint64_t end = segment->file_bytes;

	if (end > *budget)
		end = *budget;
	*budget -= end;
	while (at < end) {
		ssize_t n = module_read(module, segment->vaddr + at, block,
					BLOCK_BYTES);

		if (n < 8)
			break;
		for (size_t i = 0; i < (size_t)n / 8; i++)
			if (fn(ctx, segment, segment->vaddr + at + 8 * i,
			       block[i]))
				return true;
		at += (size_t)n - (size_t)n % 8;
	}
	return false;
}

/* In all segments of data, the last first: that is the smallest one. */
static bool each_data_word(const struct module *module, word_fn fn, void *ctx)
{
	uint64_t budget = SEARCH_BYTES_MAX;

	for (size_t i = module->n_segments; i-- > 0;)
		if (!module->segments[i].is_executable &&
		    each_word(module, &module->segments[i], &budget, fn, ctx))
			return true;
	return false;
}

struct search {
	const struct module *module;
	struct go_tables *tables;
	uint64_t first, last; /* entries of the first function and the end */
	unsigned int n_tries; /* words that might have begun a moduledata */
};

static bool search_header(void *ctx, const struct segment *segment,
			  uint64_t vaddr, uint64_t word)
{
	struct search *search = ctx;
	enum go_version version;

	/* 00 00, quantum 1, pointers of 8 bytes; the magic below them. */
	return word >> 32 == 0x08010000 &&
	       version_of_magic((uint32_t)word, &version) &&
	       parse_header(search->module, vaddr,
			    segment->file_bytes - (vaddr - segment->vaddr),
			    search->tables);
}

static bool find_header(struct search *search)
{
	static const char *const names[] = { ".gopclntab",
					     ".data.rel.ro.gopclntab" };
	const struct module *module = search->module;
	const struct section *found = NULL;
	struct sections sections = { { 0 } };
	bool is_go, is_found = false;

	sections_init(&sections, module);
	for (size_t i = 0; i < ARRAY_SIZE(names) && !found; i++)
		found = sections_find(&sections, names[i]);
	if (found)
		is_found = parse_header(module, found->vaddr, found->n_bytes,
					search->tables);
	/* The linker of C moves the table to other relocated data. */
	is_go = sections.list.n == 0 ||
		sections_find(&sections, ".go.buildinfo") ||
		sections_find(&sections, ".note.go.buildid");
	sections_clear(&sections);
	return is_found ||
	       (is_go && each_data_word(module, search_header, search));
}

/*
 * Go 1.27 writes the table as 1.20 does, but more into moduledata: behind
 * types stands not where they end, but how long the first part of them is.
 */
static bool has_lengths(const uint64_t *text)
{
	uint64_t types = text[TEXT_TO_TYPES], len = text[TEXT_TO_TYPES + 1];
	uint64_t end = text[TEXT_TO_TYPES + 2];

	return len && end > types && len <= end - types;
}

/* Is there a moduledata at @vaddr? Then take from it what is needed. */
static bool try_moduledata(struct search *search, uint64_t vaddr)
{
	struct go_tables *tables = search->tables;
	size_t inlined_at = tables->version >= GO_1_20 ? TEXT_TO_INLINED :
							 TEXT_TO_INLINED_1_18;
	uint64_t words[MODULEDATA_WORDS] = { 0 };
	ssize_t n = module_read(search->module, vaddr, words, sizeof(words));

	/* Each try reads all relocations. */
	if (n < (ssize_t)sizeof(words) / 2 || search->n_tries++ > TRIES_MAX)
		return false;
	module_relocate(search->module, vaddr, (uint8_t *)words,
			sizeof(words));
	if (words[0] != tables->vaddr)
		return false;
	for (size_t i = 1; i + 2 + TEXT_TO_INLINED_1_27 < MODULEDATA_WORDS;
	     i++) {
		uint64_t text = words[i + 2];

		if (words[i] - text != search->first ||
		    words[i + 1] - text != search->last)
			continue;
		if (tables->version >= GO_1_20 && has_lengths(&words[i + 2]))
			inlined_at = TEXT_TO_INLINED_1_27;
		tables->text = text;
		tables->inlined = words[i + 2 + inlined_at];
		return true;
	}
	return false;
}

static bool visit_word(void *ctx, const struct segment *segment,
		       uint64_t vaddr, uint64_t word)
{
	struct search *search = ctx;

	(void)segment;
	return word == search->tables->vaddr &&
	       try_moduledata(search, vaddr);
}

static bool visit_reloc(void *ctx, uint64_t vaddr)
{
	return try_moduledata(ctx, vaddr);
}

static bool is_code(const struct module *module, uint64_t vaddr)
{
	for (size_t i = 0; i < module->n_segments; i++)
		if (module->segments[i].is_executable &&
		    vaddr - module->segments[i].vaddr <
			    module->segments[i].memory_bytes)
			return true;
	return false;
}

static bool find_text(struct search *search)
{
	const struct go_tables *tables = search->tables;
	uint64_t index = tables->vaddr + tables->index;
	uint32_t first, last;

	if (module_read(search->module, index, &first, sizeof(first)) !=
		    (ssize_t)sizeof(first) ||
	    module_read(search->module, index + 8 * tables->n_functions,
			&last, sizeof(last)) != (ssize_t)sizeof(last))
		return false;
	search->first = first;
	search->last = last;
	if (!each_data_word(search->module, visit_word, search))
		module_find_relocs_to(search->module, tables->vaddr,
				      visit_reloc, search);
	return tables->text && is_code(search->module, tables->text);
}

bool go_tables_find(const struct module *module, struct go_tables *out)
{
	struct search search = { .module = module, .tables = out };

	if (!module->is_elf || module->is_32_bit || !find_header(&search))
		return false;
	return out->version < GO_1_18 || find_text(&search);
}
