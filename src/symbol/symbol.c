/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - the front door: one answer per distinct address of a module.
 *
 * A module's files are opened when it is first asked about and stay open, as
 * do the answers, until the symbolizer is freed: in a child of its own where
 * the file is not to be trusted (confined.h), in one for all others where
 * questions come together (ahead.h), else here.
 */
#include "symbol/symbol.h"

#include "profile/names.h"
#include "symbol/answer.h"
#include "symbol/demangle.h"
#include "util/log.h"

#define TOO_MUCH "names of files like it take too much memory"
/* Of all answers about strangers' files: a program has a tenth of it. */
#define STRANGE_BYTES_MAX ((size_t)256 << 20)

static struct symbol_module *module_at(const struct symbolizer *symbolizer,
				       uint64_t i)
{
	return *(struct symbol_module **)vec_at(&symbolizer->modules, i);
}

static void find_in_child(void *ctx, uint64_t subject, uint64_t vaddr,
			  struct confined_answer *out);
static void take_ahead(void *ctx, uint64_t subject, uint64_t vaddr,
		       enum confine_result result,
		       const struct confined_answer *answer);

struct symbolizer *symbolizer_new(const struct symbol_options *options)
{
	struct symbolizer *symbolizer = xcalloc(1, sizeof(*symbolizer));

	symbolizer->options = *options;
	symbolizer->modules = VEC_OF(struct symbol_module *);
	symbolizer->answers = VEC_OF(struct symbol_answer);
	symbolizer->frames = VEC_OF(struct debug_frame);
	symbolizer->ahead = (struct ahead){ .find = find_in_child,
					    .take = take_ahead,
					    .ctx = symbolizer };
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
	ahead_clear(&symbolizer->ahead);
	for (size_t i = 0; i < symbolizer->modules.n; i++)
		symbol_module_free(module_at(symbolizer, i));
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

/* In a child. */
static void find_in_child(void *ctx, uint64_t subject, uint64_t vaddr,
			  struct confined_answer *out)
{
	struct symbolizer *symbolizer = ctx;
	struct symbol_module *m = module_at(symbolizer, subject);
	struct symbol_answer answer;

	symbol_answer_read(symbolizer, m, vaddr, &answer);
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
	m->is_trusted = module_is_trusted(module);
	m->index = (uint32_t)symbolizer->modules.n;
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
	for (uint32_t i = 0; i < symbolizer->modules.n; i++)
		if (is_same_file(module_at(symbolizer, i)->module, module))
			return i;
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
		struct symbol_module *m = symbol_module_new(symbolizer,
							    module);

		*(struct symbol_module **)vec_push(&symbolizer->modules) = m;
	}
	return module_at(symbolizer, id);
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
		m->summary.refused = symbol_string_keep(symbolizer,
							summary->refused);
}

/* What a child says, as our own: with strings that stay. */
static void keep_answer(struct symbolizer *symbolizer,
			const struct confined_answer *answer,
			struct symbol_answer *out)
{
	out->n = answer->n;
	out->source = answer->source;
	out->frames = arena_alloc(&symbolizer->arena,
				  out->n * sizeof(*out->frames));
	for (size_t i = 0; i < out->n; i++) {
		const struct symbol_frame *frame = &answer->frames[i];

		struct symbol_frame *kept = &out->frames[i];

		*kept = *frame;
		kept->name = symbol_string_keep(symbolizer, frame->name);
		kept->system_name = symbol_string_keep(symbolizer,
						       frame->system_name);
		kept->file = symbol_string_keep(symbolizer, frame->file);
	}
}

/* The address as it is. */
static void answer_lost(struct symbolizer *symbolizer,
			const struct symbol_module *m, uint64_t vaddr,
			struct symbol_answer *out)
{
	CLEANUP(free) char *text = xasprintf("%s+0x%llx",
					       path_base(m->module->path),
					       (unsigned long long)vaddr);
	struct symbol_frame unknown = { .name = text, .system_name = text,
					.file = "" };
	struct confined_answer answer = { .frames = &unknown, .n = 1 };

	keep_answer(symbolizer, &answer, out);
}

static void lose_module(struct symbol_module *m, const char *why)
{
	m->is_lost = true;
	log_warning("%s: no more names of it: %s", m->module->path, why);
}

static const char *why_lost(enum confine_result result)
{
	return result == CONFINE_LATE ? "reading it takes too long" :
					"reading it broke the process that did";
}

static size_t bytes_of(const struct symbolizer *symbolizer)
{
	return symbolizer->arena.total_bytes +
	       symbolizer->strings.arena.total_bytes;
}

/* From a child that may say a megabyte for each address, without end. */
static void keep_strange(struct symbolizer *symbolizer,
			 struct symbol_module *m,
			 const struct confined_answer *answer,
			 struct symbol_answer *out)
{
	size_t before = bytes_of(symbolizer);

	take_summary(symbolizer, m, &answer->summary);
	keep_answer(symbolizer, answer, out);
	symbolizer->n_strange += bytes_of(symbolizer) - before;
	if (symbolizer->n_strange < STRANGE_BYTES_MAX)
		return;
	lose_module(m, TOO_MUCH);
	confined_free(TAKE(m->confined));
}

/* By a child that does nothing else. */
static void answer_confined(struct symbolizer *symbolizer,
			    struct symbol_module *m, uint64_t vaddr,
			    struct symbol_answer *out)
{
	enum confine_result result;
	struct confined_answer answer;

	bool is_full = symbolizer->n_strange >= STRANGE_BYTES_MAX;

	if (!m->confined && !is_full)
		m->confined = confined_new(true, find_in_child, symbolizer);
	if (!m->confined) {
		lose_module(m, is_full ? TOO_MUCH
				       : "no process could be made to read "
					 "it");
		answer_lost(symbolizer, m, vaddr, out);
		return;
	}
	confined_ask(m->confined, m->index, vaddr);
	result = confined_take(m->confined, &answer);
	if (result == CONFINE_DONE) {
		keep_strange(symbolizer, m, &answer, out);
		return;
	}
	lose_module(m, why_lost(result));
	confined_free(TAKE(m->confined));
	answer_lost(symbolizer, m, vaddr, out);
}

/* Room for the answer for @vaddr, which has none yet. */
static struct symbol_answer *answer_new(struct symbolizer *symbolizer,
					struct symbol_module *m,
					uint64_t vaddr)
{
	map_put(&m->by_vaddr, vaddr, (uint32_t)symbolizer->answers.n);
	return vec_push(&symbolizer->answers);
}

/* From the child that reads all trusted files. */
static void take_ahead(void *ctx, uint64_t subject, uint64_t vaddr,
		       enum confine_result result,
		       const struct confined_answer *answer)
{
	struct symbolizer *symbolizer = ctx;
	struct symbol_module *m = module_at(symbolizer, subject);

	if (result != CONFINE_DONE) {
		lose_module(m, why_lost(result));
		return;
	}
	take_summary(symbolizer, m, &answer->summary);
	m->summary.n_addresses[answer->source]++;
	keep_answer(symbolizer, answer, answer_new(symbolizer, m, vaddr));
}

void symbolizer_find_ahead(struct symbolizer *symbolizer,
			   const struct symbol_place *places, size_t n)
{
	struct vec questions = VEC_OF(struct confine_question);

	for (size_t i = 0; i < n; i++) {
		const struct symbol_module *m =
			symbolizer_module(symbolizer, places[i].module);
		uint64_t vaddr = places[i].vaddr;

		if (m->is_trusted && !m->is_lost &&
		    map_get(&m->by_vaddr, vaddr) == NO_ID)
			*(struct confine_question *)vec_push(&questions) =
				(struct confine_question){ m->index, vaddr };
	}
	/* What is left is answered when it is asked for. */
	ahead_run(&symbolizer->ahead, &questions, symbolizer->modules.n);
	vec_clear(&questions);
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
		answer = answer_new(symbolizer, m, vaddr);
		if (m->is_lost)
			answer_lost(symbolizer, m, vaddr, answer);
		else if (!m->is_trusted)
			answer_confined(symbolizer, m, vaddr, answer);
		else
			symbol_answer_read(symbolizer, m, vaddr, answer);
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
	m = module_at(symbolizer, id);
	*out = m->summary;
	return true;
}
