/* SPDX-License-Identifier: MIT */
/*
 * fuzz_answer.c - anything that a confined child says of names, or of rows:
 * who has taken it over writes what he likes.
 *
 * The first byte tells who asks, and of what; answers follow, each with two
 * bytes of length before it.
 */
#include "fuzz.h"
#include "profile/write.h"
#include "symbol/symbol.h"
#include "unwind/confined_rows.h"
#include "util/confine.h"
#include "util/log.h"

#define N_ADDRESSES 16
#define STACK_AT UINT64_C(0x7fff00000000)
#define STACK_BYTES 4096

enum { ASKS_ROWS = 1, IS_TRUSTED = 2 }; /* in the first byte */

struct confine { /* instead of that of util/: its answers are the input */
	bool has_ended;
};

struct input {
	const uint8_t *bytes;
	size_t n;
	bool is_trusted;
};

static struct input input;

struct confine *confine_start(const struct confine_limits *limits,
			      confine_answer_fn answer, void *ctx)
{
	(void)limits;
	(void)answer;
	(void)ctx;
	return input.n ? xcalloc(1, sizeof(struct confine)) : NULL;
}

void confine_send(struct confine *confine, struct confine_question question)
{
	(void)confine;
	(void)question;
}

enum confine_result confine_receive(struct confine *confine,
				    struct strbuf *out)
{
	uint16_t n;

	strbuf_clear(out);
	if (input.n < sizeof(n))
		confine->has_ended = true;
	if (confine->has_ended)
		return CONFINE_DIED;
	memcpy(&n, input.bytes, sizeof(n));
	input.bytes += sizeof(n);
	input.n -= sizeof(n);
	confine->has_ended = n > input.n;
	if (confine->has_ended)
		return n & 1 ? CONFINE_DIED : CONFINE_LATE;
	if (n)
		strbuf_add(out, input.bytes, n);
	input.bytes += n;
	input.n -= n;
	return CONFINE_DONE;
}

enum confine_result confine_ask(struct confine *confine,
				struct confine_question question,
				struct strbuf *out)
{
	(void)question;
	return confine_receive(confine, out);
}

void confine_free(struct confine *confine)
{
	free(confine);
}

bool __wrap_module_is_trusted(const struct module *module);

bool __wrap_module_is_trusted(const struct module *module)
{
	(void)module;
	return input.is_trusted;
}

static void add_location(struct profile *profile, uint64_t vaddr,
			 const struct symbol_frame *frames, size_t n)
{
	struct vec lines = VEC_OF(struct profile_line);
	location_id id = profile_location(profile, 0, vaddr, false);
	static const int64_t one = 1;

	for (size_t i = 0; i < n; i++) {
		struct profile_function function = {
			.name = profile_string(profile, frames[i].name),
			.system_name = profile_string(profile,
						      frames[i].system_name),
			.filename = profile_string(profile, frames[i].file),
			.start_line = frames[i].start_line,
		};
		struct profile_line *line = vec_push(&lines);

		line->function = profile_function(profile, &function);
		line->line = frames[i].line;
	}
	profile_set_lines(profile, id, lines.data, n);
	profile_add_sample(profile, profile_stack(profile, &id, 1),
			   profile_labels(profile, NULL, 0), &one);
	vec_clear(&lines);
}

/* As at the end of a run; what is written must be sound. */
static void run_names(void)
{
	static char path[] = "/x";
	struct symbolizer *symbolizer =
		symbolizer_new(&(struct symbol_options){ 0 });
	struct module module = { .fd = -1, .path = path };
	struct profile *profile = profile_new();
	struct profile_mapping mapping = { .limit = 1 << 20 };
	struct symbol_place places[N_ADDRESSES];
	struct strbuf out = { 0 };

	profile_add_type(profile, "samples", "count");
	profile_add_mapping(profile, &mapping);
	for (uint64_t i = 0; i < N_ADDRESSES; i++)
		places[i] = (struct symbol_place){ &module, i / 2 * 16 };
	symbolizer_find_ahead(symbolizer, places, N_ADDRESSES);
	for (uint64_t i = 0; i < N_ADDRESSES; i += 2) {
		const struct symbol_frame *frames;
		enum symbol_source source;
		size_t n;

		frames = symbolizer_find(symbolizer, &module, places[i].vaddr,
					 &n, &source);
		if (!n || source >= N_SYMBOL_SOURCES)
			abort();
		add_location(profile, places[i].vaddr, frames, n);
	}
	if (profile_check(profile))
		abort();
	profile_write_proto(profile, &out);
	profile_write_folded(profile, 0, &out);
	strbuf_clear(&out);
	profile_free(profile);
	symbolizer_free(symbolizer);
}

static void find_nothing(void *ctx, const struct module *module,
			 uint64_t vaddr, struct row *out,
			 struct row_saves *out_saves)
{
	(void)ctx;
	(void)module;
	(void)vaddr;
	(void)out;
	(void)out_saves;
}

static void run_rows(void)
{
	static char path[] = "/x";
	static uint64_t stack[STACK_BYTES / sizeof(uint64_t)];
	struct snapshot snapshot = { .base = STACK_AT,
				     .bytes = (uint8_t *)stack,
				     .n_bytes = sizeof(stack) };
	struct module module = { .fd = -1, .path = path };
	struct modules modules;
	struct confined_rows *confined;

	modules_init(&modules);
	*(struct module **)vec_push(&modules.list) = &module;
	confined = confined_rows_new(&modules, find_nothing, NULL);
	for (unsigned int i = 0; i < N_REGS; i++)
		regs_set(&snapshot.regs, i, STACK_AT + 128 + 8 * i);
	for (size_t i = 0; i < ARRAY_SIZE(stack); i++)
		stack[i] = STACK_AT + i * 24 % STACK_BYTES;
	for (uint64_t i = 0; i < N_ADDRESSES; i++) {
		struct regs regs = snapshot.regs;
		struct row_saves saves;
		struct row row;

		confined_rows_find(confined, &module, i, &row, &saves);
		if (row.kind > ROW_SIGNAL)
			abort();
		row_step(&row, &saves, &snapshot, &regs);
	}
	confined_rows_free(confined);
	vec_clear(&modules.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	log_set_level(LOG_ERROR);
	input = (struct input){ .bytes = data + 1, .n = size - 1,
				.is_trusted = data[0] & IS_TRUSTED };
	if (data[0] & ASKS_ROWS)
		run_rows();
	else
		run_names();
	return 0;
}
