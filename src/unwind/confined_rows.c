/* SPDX-License-Identifier: MIT */
/* confined_rows.c - rows of files that nobody vouches for, read by a child. */
#include "unwind/confined_rows.h"

#include "util/confine.h"
#include "util/log.h"
#include "util/mem.h"

#define MEMORY_BYTES (UINT64_C(1) << 30) /* sections are read as a whole */
#define CPU_S 60
/* Samples wait in the ring meanwhile. */
#define ANSWER_MS 1000
/* Who makes files for this only shall not hold up the run again and again. */
#define LATE_MAX 3
/* The first death may be by what was read of other modules before. */
#define DEATHS_MAX 2
#define ANSWERS_MAX 200000 /* of one child, long before CPU_S */

struct wire_row {
	struct row row;
	struct row_saves saves;
};

struct confined_rows {
	const struct modules *modules;
	confined_row_fn find;
	void *ctx;
	struct confine *child; /* NULL: there is none at the moment */
	size_t n_known;	       /* modules that there were when it was made */
	size_t n_answers;      /* of this child */
	unsigned int n_late;
	struct map deaths; /* module id -> how often it broke one */
	struct strbuf bytes;
};

struct confined_rows *confined_rows_new(const struct modules *modules,
					confined_row_fn find, void *ctx)
{
	struct confined_rows *confined = xcalloc(1, sizeof(*confined));

	confined->modules = modules;
	confined->find = find;
	confined->ctx = ctx;
	return confined;
}

static void end_child(struct confined_rows *confined)
{
	confine_free(confined->child);
	confined->child = NULL;
}

void confined_rows_free(struct confined_rows *confined)
{
	if (!confined)
		return;
	end_child(confined);
	map_clear(&confined->deaths);
	strbuf_clear(&confined->bytes);
	free(confined);
}

/* In the child. */
static void write_answer(void *arg, const struct confine_question *question,
			 struct strbuf *out)
{
	struct confined_rows *confined = arg;
	struct wire_row wire;

	memset(&wire, 0, sizeof(wire));
	confined->find(confined->ctx,
		       modules_get(confined->modules,
				   (uint32_t)question->subject),
		       question->address, &wire.row, &wire.saves);
	strbuf_add(out, &wire, sizeof(wire));
}

/* Let there be a child that knows @module; false: there cannot be one. */
static bool have_child(struct confined_rows *confined,
		       const struct module *module)
{
	static const struct confine_limits limits = {
		.memory_bytes = MEMORY_BYTES,
		.cpu_s = CPU_S,
		.answer_ms = ANSWER_MS,
	};

	if (confined->child && module->id < confined->n_known &&
	    confined->n_answers++ < ANSWERS_MAX)
		return true;
	end_child(confined);
	if (confined->n_late >= LATE_MAX)
		return false;
	confined->n_answers = 0;
	confined->n_known = confined->modules->list.n;
	confined->child = confine_start(&limits, write_answer, confined);
	return confined->child && module->id < confined->n_known;
}

static bool rule_is_sane(uint8_t rule)
{
	return rule <= RULE_UNKNOWN;
}

/* Is it a row that cfi.c makes, as little believed as the file? */
static bool row_is_sane(const struct row *row, const struct row_saves *saves)
{
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		if (!rule_is_sane(saves->rule[i]))
			return false;
	return row->kind <= ROW_SIGNAL && row->cfa_reg < N_REGS &&
	       rule_is_sane(row->fp_rule) && !(row->flags & ~ROW_MAY_END);
}

static uint32_t deaths_of(const struct confined_rows *confined,
			  const struct module *module)
{
	uint32_t n = map_get(&confined->deaths, module->id);

	return n == NO_ID ? 0 : n;
}

/* What was read for @module broke the child, or held it up. */
static void give_up(struct confined_rows *confined,
		    const struct module *module, enum confine_result result)
{
	uint32_t n_deaths = deaths_of(confined, module) + 1;

	end_child(confined);
	if (result == CONFINE_LATE) {
		confined->n_late++;
		n_deaths = DEATHS_MAX;
	}
	map_put(&confined->deaths, module->id, n_deaths);
	if (n_deaths >= DEATHS_MAX)
		log_warning("%s: its unwind tables are not used: reading them "
			    "%s", module->path, result == CONFINE_LATE
			    ? "takes too long" : "broke the process that did");
}

static bool ask(struct confined_rows *confined, const struct module *module,
		uint64_t vaddr, struct wire_row *out)
{
	enum confine_result result =
		confine_ask(confined->child,
			    (struct confine_question){ module->id, vaddr },
			    &confined->bytes);

	if (result != CONFINE_DONE || confined->bytes.len != sizeof(*out)) {
		give_up(confined, module, result);
		return false;
	}
	memcpy(out, confined->bytes.data, sizeof(*out));
	return true;
}

void confined_rows_find(struct confined_rows *confined,
			const struct module *module, uint64_t vaddr,
			struct row *out, struct row_saves *out_saves)
{
	struct wire_row wire;

	*out = (struct row){ .kind = ROW_NONE };
	for (size_t i = 0; i < N_SAVED_REGS; i++)
		out_saves->rule[i] = RULE_UNKNOWN;
	while (deaths_of(confined, module) < DEATHS_MAX &&
	       have_child(confined, module)) {
		if (!ask(confined, module, vaddr, &wire))
			continue;
		if (row_is_sane(&wire.row, &wire.saves)) {
			*out = wire.row;
			*out_saves = wire.saves;
		}
		return;
	}
}
