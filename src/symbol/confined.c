/* SPDX-License-Identifier: MIT */
/*
 * confined.c - names that a child reads, so that what crashes does so there.
 *
 * An answer is a struct wire_answer, as many struct wire_frame, and their
 * strings in order: name, system name, file; and the reason why a debug file
 * was refused.
 */
#include "symbol/confined.h"

#include "util/arena.h"
#include "util/mem.h"

#define MEMORY_BYTES (UINT64_C(3) << 30) /* of sections, read as a whole */
#define CPU_S 120
#define ANSWER_MS 30000 /* the first one reads the file's whole index */
#define TRUSTED_ANSWER_MS 600000 /* gigabytes of it, over a network, say */
#define FRAMES_MAX 4096

struct wire_answer {
	uint32_t n, source, refused_bytes;
	uint8_t has_unreadable_dwarf, has_dwarf, asked_servers, lacks_split,
		lacks_alt;
};

struct wire_frame {
	int64_t line, start_line;
	uint32_t bytes[3]; /* of its strings */
};

struct confined {
	confined_find_fn find;
	void *ctx;
	struct confine *child;
	struct strbuf bytes;
	struct arena arena; /* of the answer */
};

static void add_string(struct strbuf *strings, const char *s, uint32_t *bytes)
{
	*bytes = (uint32_t)strlen(s);
	strbuf_add(strings, s, *bytes);
}

/* In the child. */
static void write_answer(void *arg, const struct confine_question *question,
			 struct strbuf *out)
{
	struct confined *confined = arg;
	CLEANUP(strbuf_clear) struct strbuf strings = { 0 };
	struct confined_answer answer;
	struct wire_answer head = { 0 };

	confined->find(confined->ctx, question->subject, question->address,
		       &answer);
	head.n = (uint32_t)answer.n;
	head.source = answer.source;
	head.has_unreadable_dwarf = answer.summary.has_unreadable_dwarf;
	head.has_dwarf = answer.summary.has_dwarf;
	head.asked_servers = answer.summary.asked_servers;
	head.lacks_split = answer.summary.lacks_split;
	head.lacks_alt = answer.summary.lacks_alt;
	if (answer.summary.refused)
		head.refused_bytes = (uint32_t)strlen(answer.summary.refused);
	strbuf_add(out, &head, sizeof(head));
	for (size_t i = 0; i < answer.n; i++) {
		const struct symbol_frame *frame = &answer.frames[i];
		struct wire_frame wire = { .line = frame->line,
					   .start_line = frame->start_line };

		add_string(&strings, frame->name, &wire.bytes[0]);
		add_string(&strings, frame->system_name, &wire.bytes[1]);
		add_string(&strings, frame->file, &wire.bytes[2]);
		strbuf_add(out, &wire, sizeof(wire));
	}
	if (strings.len)
		strbuf_add(out, strings.data, strings.len);
	if (head.refused_bytes)
		strbuf_add(out, answer.summary.refused, head.refused_bytes);
}

struct confined *confined_new(bool strangers, confined_find_fn find, void *ctx)
{
	static const struct confine_limits trusted = {
		.is_trusted = true,
		.answer_ms = TRUSTED_ANSWER_MS,
	}, strange = {
		.memory_bytes = MEMORY_BYTES,
		.cpu_s = CPU_S,
		.answer_ms = ANSWER_MS,
	};
	struct confined *confined = xcalloc(1, sizeof(*confined));

	confined->find = find;
	confined->ctx = ctx;
	confined->child = confine_start(strangers ? &strange : &trusted,
					write_answer, confined);
	if (confined->child)
		return confined;
	free(confined);
	return NULL;
}

void confined_free(struct confined *confined)
{
	if (!confined)
		return;
	confine_free(confined->child);
	strbuf_clear(&confined->bytes);
	arena_clear(&confined->arena);
	free(confined);
}

/* The next @n of the bytes at *@p, or NULL. */
static const char *take(const char **p, const char *end, size_t n)
{
	const char *taken = *p;

	/* No bytes at all may be at NULL. */
	if (!taken || n > (size_t)(end - taken))
		return NULL;
	*p += n;
	return taken;
}

/* There is none below 0, and no profile may have one. */
static int64_t sane_line(int64_t line)
{
	return line < 0 ? 0 : line;
}

/* A string of our own; NULL if the answer is too short. */
static const char *take_string(struct confined *confined, const char **p,
			       const char *end, size_t n)
{
	const char *bytes = take(p, end, n);

	/* A NUL among them ends it. */
	return bytes ? arena_copy(&confined->arena, bytes, n) : NULL;
}

static bool take_frame(struct confined *confined, const char *wires, size_t i,
		       const char **p, const char *end,
		       struct symbol_frame *out)
{
	struct wire_frame wire;

	memcpy(&wire, wires + i * sizeof(wire), sizeof(wire));
	*out = (struct symbol_frame){
		.name = take_string(confined, p, end, wire.bytes[0]),
		.line = sane_line(wire.line),
		.start_line = sane_line(wire.start_line),
	};
	if (out->name)
		out->system_name =
			take_string(confined, p, end, wire.bytes[1]);
	if (out->system_name)
		out->file = take_string(confined, p, end, wire.bytes[2]);
	return out->file != NULL;
}

/* What the child says, as little believed as the file. */
static bool read_answer(struct confined *confined, struct confined_answer *out)
{
	const char *p = confined->bytes.data;
	const char *end = p ? p + confined->bytes.len : NULL;
	struct symbol_frame *frames;
	const char *bytes = take(&p, end, sizeof(struct wire_answer));
	struct wire_answer head;
	const char *wires;

	if (!bytes)
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (!head.n || head.n > FRAMES_MAX || head.source >= N_SYMBOL_SOURCES)
		return false;
	wires = take(&p, end, head.n * sizeof(struct wire_frame));
	if (!wires)
		return false;
	frames = arena_alloc(&confined->arena, head.n * sizeof(*frames));
	for (size_t i = 0; i < head.n; i++)
		if (!take_frame(confined, wires, i, &p, end, &frames[i]))
			return false;
	*out = (struct confined_answer){
		.frames = frames,
		.n = head.n,
		.source = (enum symbol_source)head.source,
		.summary = {
			.has_unreadable_dwarf = head.has_unreadable_dwarf,
			.has_dwarf = head.has_dwarf,
			.asked_servers = head.asked_servers,
			.lacks_split = head.lacks_split,
			.lacks_alt = head.lacks_alt,
		},
	};
	if (head.refused_bytes)
		out->summary.refused = take_string(confined, &p, end,
						   head.refused_bytes);
	return true;
}

void confined_ask(struct confined *confined, uint64_t subject, uint64_t vaddr)
{
	confine_send(confined->child,
		     (struct confine_question){ subject, vaddr });
}

enum confine_result confined_take(struct confined *confined,
				  struct confined_answer *out)
{
	enum confine_result result = confine_receive(confined->child,
						     &confined->bytes);

	arena_clear(&confined->arena);
	if (result == CONFINE_DONE && !read_answer(confined, out))
		return CONFINE_DIED;
	return result;
}
