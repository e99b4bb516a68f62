/* SPDX-License-Identifier: MIT */
/*
 * test_answer.c - what a child says that somebody has taken over: it costs
 * names, never the profile or the memory of psample.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "symbol/answer.h"
#include "symbol/confined.h"
#include "util/log.h"

#define NAME_BYTES 900000 /* in one answer */
#define N_ASKED 500	  /* 450 MB of names */
#define KEPT_BYTES_MAX ((size_t)300 << 20)

struct confine { /* instead of that of util/ */
	unsigned int n_answers;
};

bool __wrap_module_is_trusted(const struct module *module);

bool __wrap_module_is_trusted(const struct module *module)
{
	(void)module;
	return false;
}

struct confine *confine_start(const struct confine_limits *limits,
			      confine_answer_fn answer, void *ctx)
{
	(void)limits;
	(void)answer;
	(void)ctx;
	return xcalloc(1, sizeof(struct confine));
}

void confine_send(struct confine *confine, struct confine_question question)
{
	(void)confine;
	(void)question;
}

/* One frame below line 0 with a long name of its own, as confined.c has it. */
enum confine_result confine_receive(struct confine *confine,
				    struct strbuf *out)
{
	struct {
		uint32_t n, source, refused_bytes;
		uint8_t flags[8];
	} answer = { .n = 1, .source = SYMBOL_DWARF };
	struct {
		int64_t line, start_line;
		uint32_t bytes[3], unused;
	} frame = { .line = -7, .start_line = INT64_MIN,
		    .bytes = { NAME_BYTES } };
	char *name = xmalloc(NAME_BYTES);

	strbuf_clear(out);
	memset(name, 'x', NAME_BYTES);
	memcpy(name, &confine->n_answers, sizeof(confine->n_answers));
	name[0] = name[1] = (char)('a' + confine->n_answers % 26);
	name[2] = name[3] = (char)('a' + confine->n_answers / 26);
	confine->n_answers++;
	strbuf_add(out, &answer, sizeof(answer));
	strbuf_add(out, &frame, sizeof(frame));
	strbuf_add(out, name, NAME_BYTES);
	free(name);
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

TEST(names_without_end_are_bounded_and_no_line_is_below_0)
{
	static char path[] = "/tmp/x";
	struct symbolizer *symbolizer =
		symbolizer_new(&(struct symbol_options){ 0 });
	struct module module = { .fd = -1, .path = path };
	const struct symbol_frame *frames = NULL;
	enum symbol_source source = SYMBOL_NONE;
	size_t n = 0, n_named = 0;

	log_set_level(LOG_ERROR);
	for (uint64_t i = 0; i < N_ASKED; i++) {
		frames = symbolizer_find(symbolizer, &module, i, &n, &source);
		if (n != 1 || frames->line || frames->start_line)
			CHECK(false);
		n_named += source == SYMBOL_DWARF;
	}
	CHECK(n_named > 100 && n_named < N_ASKED);
	CHECK_EQ(source, SYMBOL_NONE);
	CHECK_STR(frames->name, "x+0x1f3");
	CHECK(symbolizer->strings.arena.total_bytes < KEPT_BYTES_MAX);
	symbolizer_free(symbolizer);
}

TEST_MAIN()
