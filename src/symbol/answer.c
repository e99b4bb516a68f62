/* SPDX-License-Identifier: MIT */
/* answer.c - what the files of a module say of one address. */
#include "symbol/answer.h"

#include "profile/names.h"
#include "symbol/demangle.h"

#define GO_FRAMES_MAX 64 /* inlined into one place */

static void symbol_module_open(struct symbol_module *m)
{
	const struct module *module = m->module;
	/* Asking a server takes rights that a reader of others' files lacks. */
	struct debuginfod *debuginfod =
		m->is_trusted ? m->symbolizer->debuginfod : NULL;
	Dwarf *dwarf;

	m->is_open = true;
	m->go = gopclntab_open(module);
	if (!debug_file_open(&m->file, module, debuginfod))
		return;
	fde_table_init(&m->fdes, debug_file_elf(&m->file));
	plt_init(&m->plt, debug_file_elf(&m->file));
	dwarf = debug_file_dwarf(&m->file, &m->debug_bias);
	if (dwarf)
		m->debug = debuginfo_new(dwarf, m->file.search);
	symtab_init(&m->symtab, m->file.module, m->file.bias);
	m->symtab_source = debug_file_has_symtab(&m->file) ? SYMBOL_SYMTAB :
							      SYMBOL_DYNSYM;
	m->summary.has_unreadable_dwarf =
		debug_file_is_unreadable(&m->file);
	m->summary.has_dwarf = m->debug != NULL;
	m->summary.lacks_split = m->debug && debuginfo_lacks_split(m->debug);
	m->summary.lacks_alt = m->file.has_alt && !m->file.alt;
	m->summary.refused = m->file.search->refused;
	m->summary.asked_servers = debuginfod != NULL;
}

static const char *string_of(struct symbolizer *symbolizer, uint32_t id)
{
	return intern_get(&symbolizer->strings, id)->bytes;
}

const char *symbol_string_keep(struct symbolizer *symbolizer, const char *s)
{
	return string_of(symbolizer,
			 intern_string(&symbolizer->strings, s));
}

/* Set both names of @frame from @mangled; each is demangled once. */
static void frame_set_mangled(struct symbolizer *symbolizer,
			      struct symbol_frame *frame, const char *mangled)
{
	uint32_t id = intern_string(&symbolizer->strings, mangled);
	uint32_t shown = map_get(&symbolizer->shown, id);

	if (shown == NO_ID) {
		CLEANUP(free) char *text = demangle_name(
			mangled, symbolizer->options.demangle);

		shown = intern_string(&symbolizer->strings, text);
		map_put(&symbolizer->shown, id, shown);
	}
	frame->system_name = string_of(symbolizer, id);
	frame->name = string_of(symbolizer, shown);
}

/*
 * The linkage name is what the source says, mangled; or in C what an asm
 * label made of it, as glibc's __GI_qsort: then the plain name is better.
 */
static void frame_set_linkage(struct symbolizer *symbolizer,
			      struct symbol_frame *frame,
			      const struct debug_function *f)
{
	const char *mangled = f->linkage_name;

	frame_set_mangled(symbolizer, frame, mangled);
	if (symbolizer->options.demangle != DEMANGLE_NONE && f->name &&
	    strncmp(mangled, "_Z", 2) && strncmp(mangled, "_R", 2) &&
	    frame->name == frame->system_name)
		frame->name = symbol_string_keep(symbolizer, f->name);
}

/* Set the names from one of Go, which are not mangled. */
static void frame_set_go(struct symbolizer *symbolizer,
			 struct symbol_frame *frame, const char *name)
{
	CLEANUP(free) char *simple = NULL;

	frame->system_name = frame->name = symbol_string_keep(symbolizer, name);
	if (symbolizer->options.demangle != DEMANGLE_SIMPLE)
		return;
	simple = go_simplify_name(name);
	frame->name = symbol_string_keep(symbolizer, simple);
}

/*
 * Set the names from DWARF's plain name, which for C++ may be qualified, and
 * have the template arguments of classes in it.
 */
static void frame_set_plain(struct symbolizer *symbolizer,
			    struct symbol_frame *frame, const char *name)
{
	enum demangle_style style = symbolizer->options.demangle;
	CLEANUP(free) char *simple = NULL;

	frame->system_name = frame->name = symbol_string_keep(symbolizer, name);
	if (style != DEMANGLE_SIMPLE && style != DEMANGLE_TEMPLATES)
		return;
	if (!strstr(name, "::"))
		return;
	simple = cplus_simplify_name(name, style == DEMANGLE_SIMPLE);
	frame->name = symbol_string_keep(symbolizer, simple);
}

/* Where the function around @vaddr starts that no symbol names, or @vaddr. */
static uint64_t find_start(struct symbol_module *m, uint64_t vaddr)
{
	uint64_t start;

	if (fde_table_find(&m->fdes, vaddr, &start))
		return start;
	if (functions_find_start(&m->functions, m->module, vaddr, &start) &&
	    start >= symtab_gap_start(&m->symtab, vaddr))
		return start;
	return vaddr;
}

/*
 * The name of last resort: "libfoo.so.1+0x1234", by the start of the function
 * where that is known. What lies between two that are known need not be one.
 */
static enum symbol_source frame_set_address(struct symbolizer *symbolizer,
					    struct symbol_frame *frame,
					    struct symbol_module *m,
					    uint64_t vaddr)
{
	CLEANUP(free) char *text = NULL;
	uint64_t start = find_start(m, vaddr);

	text = xasprintf("%s+0x%llx", path_base(m->module->path),
			 (unsigned long long)start);
	frame->system_name = frame->name = symbol_string_keep(symbolizer, text);
	return SYMBOL_NONE;
}

/*
 * A symbol without a size names all that follows it. It is wrong if unwind
 * information or code says that another function has started since: musl's
 * __clone has no symbol, and stands behind memset, which has no size.
 */
static bool symbol_is_plausible(struct symbol_module *m,
				const struct symtab_symbol *symbol,
				uint64_t vaddr)
{
	uint64_t start;

	if (symbol->is_sized)
		return true;
	if (fde_table_find(&m->fdes, vaddr, &start))
		return start <= symbol->start;
	return !functions_find_start(&m->functions, m->module, vaddr,
				     &start) ||
	       start <= symbol->start;
}

/* "puts@plt"; "[plt]" for the stub that the others share. */
static enum symbol_source frame_set_stub(struct symbolizer *symbolizer,
					 struct symbol_frame *frame,
					 const char *called)
{
	CLEANUP(free) char *name = NULL, *system_name = NULL;
	char *plain;

	if (!called[0]) {
		frame->system_name = frame->name =
			symbol_string_keep(symbolizer, "[plt]");
		return SYMBOL_DYNSYM;
	}
	plain = xstrndup(called, strcspn(called, "@"));
	frame_set_mangled(symbolizer, frame, plain);
	name = xasprintf("%s@plt", frame->name);
	system_name = xasprintf("%s@plt", plain);
	frame->name = symbol_string_keep(symbolizer, name);
	frame->system_name = symbol_string_keep(symbolizer, system_name);
	free(plain);
	return SYMBOL_DYNSYM;
}

static enum symbol_source frame_set_symbol(struct symbolizer *symbolizer,
					   struct symbol_frame *frame,
					   struct symbol_module *m,
					   uint64_t vaddr)
{
	const struct symtab_symbol *symbol = symtab_find(&m->symtab, vaddr);
	const char *called = plt_find(&m->plt, vaddr);
	CLEANUP(free) char *name = NULL;

	if (called)
		return frame_set_stub(symbolizer, frame, called);
	if (!symbol || !symbol_is_plausible(m, symbol, vaddr))
		return frame_set_address(symbolizer, frame, m, vaddr);
	name = xstrndup(symbol->name, strcspn(symbol->name, "@"));
	frame_set_mangled(symbolizer, frame, name);
	return m->symtab_source;
}

static void frame_set_debug(struct symbolizer *symbolizer,
			    struct symbol_frame *frame,
			    struct symbol_module *m, uint64_t vaddr,
			    const struct debug_frame *debug)
{
	const struct debug_function *f = debug->function;
	struct go_function go;
	bool is_go = m->go && gopclntab_find(m->go, vaddr, &go);

	if (f && f->name && !f->linkage_name && is_go)
		frame_set_go(symbolizer, frame, f->name);
	else if (f && f->linkage_name)
		frame_set_linkage(symbolizer, frame, f);
	else if (f && f->name)
		frame_set_plain(symbolizer, frame, f->name);
	else
		frame_set_symbol(symbolizer, frame, m, vaddr);
	frame->file = symbol_string_keep(symbolizer, debug->file);
	frame->line = debug->line;
	frame->start_line = f ? f->start_line : 0;
}

/* What a stripped Go program still knows of itself. */
static bool answer_by_go(struct symbolizer *symbolizer,
			 const struct symbol_module *m, uint64_t vaddr,
			 struct symbol_answer *out)
{
	struct go_frame go[GO_FRAMES_MAX];
	size_t n = m->go ? gopclntab_frames(m->go, vaddr, go, GO_FRAMES_MAX)
			 : 0;
	size_t first = n && symbolizer->options.no_inlines ? n - 1 : 0;

	if (!n || !go[n - 1].name[0])
		return false;
	out->n = n - first;
	out->frames = arena_alloc(&symbolizer->arena,
				  out->n * sizeof(*out->frames));
	out->source = SYMBOL_GO;
	for (size_t i = first; i < n; i++) {
		struct symbol_frame *frame = &out->frames[i - first];

		frame_set_go(symbolizer, frame, go[i].name);
		frame->file = symbol_string_keep(symbolizer, go[i].file);
		frame->line = go[i].line;
		frame->start_line = go[i].start_line;
	}
	return true;
}

void symbol_answer_read(struct symbolizer *symbolizer, struct symbol_module *m,
			uint64_t vaddr, struct symbol_answer *out)
{
	struct vec *debug = &symbolizer->frames;
	size_t first = 0;

	if (!m->is_open)
		symbol_module_open(m);
	debug->n = 0;
	if (m->debug)
		debuginfo_find(m->debug, vaddr + m->debug_bias, debug);
	if (symbolizer->options.no_inlines && debug->n)
		first = debug->n - 1;
	out->n = debug->n ? debug->n - first : 1;
	out->frames = arena_alloc(&symbolizer->arena,
				  out->n * sizeof(*out->frames));
	out->source = SYMBOL_DWARF;
	for (size_t i = first; i < debug->n; i++)
		frame_set_debug(symbolizer, &out->frames[i - first], m, vaddr,
				vec_at(debug, i));
	if (debug->n || answer_by_go(symbolizer, m, vaddr, out))
		return;
	*out->frames = (struct symbol_frame){ .file = "" };
	out->source = frame_set_symbol(symbolizer, out->frames, m, vaddr);
}
