/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the front door: one answer per distinct address of a module.
 *
 * A module's files are opened when it is first asked about and stay open, as
 * do the answers, until the symbolizer is freed; here, or in a child where
 * the file is not to be trusted (confined.h).
 */
#include "symbol/symbol.h"

#include "image/functions.h"
#include "image/gopclntab.h"
#include "profile/names.h"
#include "symbol/confined.h"
#include "symbol/debugfile.h"
#include "symbol/debuginfo.h"
#include "symbol/demangle.h"
#include "symbol/fde.h"
#include "symbol/plt.h"
#include "symbol/symtab.h"

#define GO_FRAMES_MAX 64 /* inlined into one place */

struct symbol_module {
	const struct module *module;
	struct symbolizer *symbolizer;
	struct confined *confined; /* who reads it; NULL: we do */
	bool is_open; /* here, and all from here on is of use */
	struct debug_file file;
	struct debuginfo *debug; /* NULL: no DWARF */
	struct gopclntab *go;	 /* NULL: no Go in it */
	uint64_t debug_bias;	 /* vaddr + debug_bias is DWARF's address */
	struct symtab symtab;
	enum symbol_source symtab_source;
	struct fde_table fdes;
	struct functions functions; /* made when a name is missing */
	struct plt plt;
	struct map by_vaddr; /* -> answers */
	struct symbol_summary summary;
};

struct symbol_answer {
	struct symbol_frame *frames; /* in the arena */
	size_t n;
	enum symbol_source source;
};

struct symbolizer {
	struct symbol_options options;
	struct debuginfod *debuginfod; /* NULL: not to be asked */
	struct map by_module; /* pointer -> modules */
	struct vec modules;   /* struct symbol_module * */
	struct vec answers;   /* struct symbol_answer */
	struct arena arena;   /* frames */
	struct intern strings;
	struct map shown;     /* id of a system name -> id of its name */
	struct vec frames;    /* struct debug_frame, reused */
};

struct symbolizer *symbolizer_new(const struct symbol_options *options)
{
	struct symbolizer *symbolizer = xcalloc(1, sizeof(*symbolizer));

	symbolizer->options = *options;
	symbolizer->modules = VEC_OF(struct symbol_module *);
	symbolizer->answers = VEC_OF(struct symbol_answer);
	symbolizer->frames = VEC_OF(struct debug_frame);
	intern_init(&symbolizer->strings);
	return symbolizer;
}

struct error *symbolizer_use_debuginfod(struct symbolizer *symbolizer)
{
	return debuginfod_open(&symbolizer->debuginfod);
}

static void symbol_module_free(struct symbol_module *m)
{
	confined_free(m->confined);
	debuginfo_free(m->debug);
	gopclntab_close(m->go);
	symtab_clear(&m->symtab);
	plt_clear(&m->plt);
	functions_clear(&m->functions);
	map_clear(&m->by_vaddr);
	debug_file_close(&m->file);
	free(m);
}

void symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < symbolizer->modules.n; i++)
		symbol_module_free(*(struct symbol_module **)vec_at(
			&symbolizer->modules, i));
	vec_clear(&symbolizer->modules);
	vec_clear(&symbolizer->answers);
	vec_clear(&symbolizer->frames);
	map_clear(&symbolizer->by_module);
	map_clear(&symbolizer->shown);
	intern_clear(&symbolizer->strings);
	debuginfod_close(symbolizer->debuginfod);
	arena_clear(&symbolizer->arena);
	free(symbolizer);
}

static void symbol_module_open(struct symbol_module *m,
			       struct debuginfod *debuginfod)
{
	const struct module *module = m->module;
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

static const char *string_keep(struct symbolizer *symbolizer, const char *s)
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
		frame->name = string_keep(symbolizer, f->name);
}

/* Set the names from one of Go, which are not mangled. */
static void frame_set_go(struct symbolizer *symbolizer,
			 struct symbol_frame *frame, const char *name)
{
	CLEANUP(free) char *simple = NULL;

	frame->system_name = frame->name = string_keep(symbolizer, name);
	if (symbolizer->options.demangle != DEMANGLE_SIMPLE)
		return;
	simple = go_simplify_name(name);
	frame->name = string_keep(symbolizer, simple);
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

	frame->system_name = frame->name = string_keep(symbolizer, name);
	if (style != DEMANGLE_SIMPLE && style != DEMANGLE_TEMPLATES)
		return;
	if (!strstr(name, "::"))
		return;
	simple = cplus_simplify_name(name, style == DEMANGLE_SIMPLE);
	frame->name = string_keep(symbolizer, simple);
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
	frame->system_name = frame->name = string_keep(symbolizer, text);
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
			string_keep(symbolizer, "[plt]");
		return SYMBOL_DYNSYM;
	}
	plain = xstrndup(called, strcspn(called, "@"));
	frame_set_mangled(symbolizer, frame, plain);
	name = xasprintf("%s@plt", frame->name);
	system_name = xasprintf("%s@plt", plain);
	frame->name = string_keep(symbolizer, name);
	frame->system_name = string_keep(symbolizer, system_name);
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
	frame->file = string_keep(symbolizer, debug->file);
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
		frame->file = string_keep(symbolizer, go[i].file);
		frame->line = go[i].line;
		frame->start_line = go[i].start_line;
	}
	return true;
}

static void symbolizer_answer(struct symbolizer *symbolizer,
			      struct symbol_module *m, uint64_t vaddr,
			      struct symbol_answer *out)
{
	struct vec *debug = &symbolizer->frames;
	size_t first = 0;

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

/* In the child that reads the file of @ctx. */
static void find_in_child(void *ctx, uint64_t vaddr,
			  struct confined_answer *out)
{
	struct symbol_module *m = ctx;
	struct symbol_answer answer;

	/* Asking a server takes more than reading. */
	if (!m->is_open)
		symbol_module_open(m, NULL);
	symbolizer_answer(m->symbolizer, m, vaddr, &answer);
	*out = (struct confined_answer){ .frames = answer.frames,
					 .n = answer.n,
					 .source = answer.source,
					 .summary = m->summary };
}

static struct symbol_module *symbol_module_new(struct symbolizer *symbolizer,
					       const struct module *module)
{
	struct symbol_module *m = xcalloc(1, sizeof(*m));

	m->module = module;
	m->symbolizer = symbolizer;
	if (module_is_trusted(module))
		symbol_module_open(m, symbolizer->debuginfod);
	else
		m->confined = confined_new(module, find_in_child, m);
	return m;
}

/* As two runs, which share no modules, have it. */
static bool is_same_file(const struct module *a, const struct module *b)
{
	return a->fd >= 0 && b->fd >= 0 && a->inode == b->inode &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
	       a->file_bytes == b->file_bytes &&
	       a->build_id_bytes == b->build_id_bytes &&
	       !memcmp(a->build_id, b->build_id, a->build_id_bytes) &&
	       !strcmp(a->path, b->path);
}

static uint32_t find_same(const struct symbolizer *symbolizer,
			  const struct module *module)
{
	for (uint32_t i = 0; i < symbolizer->modules.n; i++) {
		const struct symbol_module *m = *(struct symbol_module **)
			vec_at(&symbolizer->modules, i);

		if (is_same_file(m->module, module))
			return i;
	}
	return NO_ID;
}

static struct symbol_module *symbolizer_module(struct symbolizer *symbolizer,
					       const struct module *module)
{
	uint64_t key = (uintptr_t)module;
	uint32_t id = map_get(&symbolizer->by_module, key);

	if (id == NO_ID) {
		id = find_same(symbolizer, module);
		if (id == NO_ID)
			id = (uint32_t)symbolizer->modules.n;
		map_put(&symbolizer->by_module, key, id);
	}
	if (id == symbolizer->modules.n) {
		*(struct symbol_module **)vec_push(&symbolizer->modules) =
			symbol_module_new(symbolizer, module);
	}
	return *(struct symbol_module **)vec_at(&symbolizer->modules, id);
}

static void take_summary(struct symbolizer *symbolizer,
			 struct symbol_module *m,
			 const struct symbol_summary *summary)
{
	struct symbol_summary before = m->summary;

	m->summary = *summary;
	memcpy(m->summary.n_addresses, before.n_addresses,
	       sizeof(before.n_addresses));
	if (summary->refused)
		m->summary.refused = string_keep(symbolizer,
						 summary->refused);
}

/* As the child says; without one, the address as it is. */
static void answer_confined(struct symbolizer *symbolizer,
			    struct symbol_module *m, uint64_t vaddr,
			    struct symbol_answer *out)
{
	CLEANUP(free) char *text = xasprintf("%s+0x%llx",
					       path_base(m->module->path),
					       (unsigned long long)vaddr);
	struct symbol_frame unknown = { .name = text, .system_name = text,
					.file = "" };
	struct confined_answer answer = { .frames = &unknown, .n = 1 };

	if (confined_find(m->confined, vaddr, &answer))
		take_summary(symbolizer, m, &answer.summary);
	out->n = answer.n;
	out->source = answer.source;
	out->frames = arena_alloc(&symbolizer->arena,
				  out->n * sizeof(*out->frames));
	for (size_t i = 0; i < out->n; i++) {
		const struct symbol_frame *frame = &answer.frames[i];

		out->frames[i] = *frame;
		out->frames[i].name = string_keep(symbolizer, frame->name);
		out->frames[i].system_name =
			string_keep(symbolizer, frame->system_name);
		out->frames[i].file = string_keep(symbolizer, frame->file);
	}
}

const struct symbol_frame *symbolizer_find(struct symbolizer *symbolizer,
					   const struct module *module,
					   uint64_t vaddr, size_t *out_n,
					   enum symbol_source *out_source)
{
	struct symbol_module *m = symbolizer_module(symbolizer, module);
	uint32_t id = map_get(&m->by_vaddr, vaddr);
	struct symbol_answer *answer;

	if (id == NO_ID) {
		id = (uint32_t)symbolizer->answers.n;
		map_put(&m->by_vaddr, vaddr, id);
		answer = vec_push(&symbolizer->answers);
		if (m->confined)
			answer_confined(symbolizer, m, vaddr, answer);
		else
			symbolizer_answer(symbolizer, m, vaddr, answer);
		m->summary.n_addresses[answer->source]++;
	}
	answer = vec_at(&symbolizer->answers, id);
	*out_n = answer->n;
	*out_source = answer->source;
	return answer->frames;
}

bool symbolizer_summary(const struct symbolizer *symbolizer,
			const struct module *module,
			struct symbol_summary *out)
{
	uint32_t id = map_get(&symbolizer->by_module, (uintptr_t)module);
	struct symbol_module *m;

	if (id == NO_ID)
		return false;
	m = *(struct symbol_module **)vec_at(&symbolizer->modules, id);
	*out = m->summary;
	return true;
}
