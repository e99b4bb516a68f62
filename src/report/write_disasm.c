/* SPDX-License-Identifier: MIT */
/*
 * write_disasm.c - the report disasm: instructions with their weights.
 *
 * A sample in the middle of an instruction, such as one at a return address
 * minus one, counts for it. What is on a stack several times counts once, as
 * in list; --pprof-sums gives pprof's figures, and cuts off the last byte of
 * a function as pprof does (google/pprof#450).
 */
#include <errno.h>
#include <inttypes.h>

#include "report/codemap.h"
#include "report/listing.h"
#include "report/sum.h"
#include "report/writers.h"

#define LOCATION_COLUMN 74
#define TEXT_COLUMNS 40

struct routine {
	uint32_t file; /* of the code map */
	uint64_t start, end;
	const char *const *names;
	size_t n_names;
	struct sum sum;
	bool has_samples;
	struct objfile_code code;
	struct sum *inst_sums;
	uint32_t *inst_nodes; /* the first one sampled there, or NO_ID */
};

struct disasm {
	struct report *report;
	struct graph *graph;
	struct codemap map;
	uint64_t address; /* the argument as a number, or 0 */
	struct vec routines; /* struct routine */
	uint32_t *routine_of, *inst_of; /* by location, NO_ID: none */
	size_t n_found; /* symbols, also those without samples */
};

/* Does the node match as pprof asks, or by its name alone ("^main$")? */
static bool node_matches(const struct disasm *disasm, struct graph_node *node)
{
	const struct report *report = disasm->report;

	return regex_matches(report->symbol,
			     graph_name(disasm->graph, node)) ||
	       (!report->settings->pprof_sums &&
		regex_matches(report->symbol,
			      pp_text(report->pp, node->info.name)));
}

/* By mapping: does a node of its file match, or does it hold the address? */
static bool *find_wanted(const struct disasm *disasm)
{
	const struct pp *pp = disasm->report->pp;
	const struct graph *graph = disasm->graph;
	bool *is_wanted = xcalloc(pp->mappings.n, sizeof(*is_wanted));
	struct map matched = { 0 };

	for (size_t i = 0; i < graph->order.n; i++) {
		struct graph_node *node = graph_listed(graph, i);

		if (node->info.object &&
		    map_get(&matched, node->info.object) == NO_ID &&
		    node_matches(disasm, node))
			map_put(&matched, node->info.object, 1);
	}
	for (size_t i = 0; i < pp->mappings.n; i++) {
		const struct pp_mapping *m = vec_at(&pp->mappings, i);

		is_wanted[i] = map_get(&matched, m->file) != NO_ID ||
			       (disasm->address && m->file &&
				m->start <= disasm->address &&
				disasm->address <= m->limit);
	}
	map_clear(&matched);
	return is_wanted;
}

static struct routine *routine_at(const struct disasm *disasm, size_t i)
{
	return vec_at(&disasm->routines, i);
}

/* The name without parameters: "ns::f(int)" -> "ns::f". */
static bool matches_without_params(struct regex *regex, const char *name)
{
	CLEANUP(free) char *cut = NULL;
	size_t n = strcspn(name, "(");

	if (!name[n] || !n)
		return false;
	cut = xstrndup(name, n);
	return regex_matches(regex, cut);
}

/* Which of the names is asked for? All of them, for an address. */
static bool choose_names(const struct disasm *disasm,
			 const struct objfile_symbol *symbol, uint32_t file,
			 struct routine *out)
{
	struct regex *regex = disasm->report->symbol;

	out->names = symbol->names;
	out->n_names = symbol->n_names;
	if (disasm->address &&
	    codemap_has_address(&disasm->map, file, disasm->address,
				symbol->start, symbol->end))
		return true;
	out->n_names = 1;
	for (size_t i = 0; i < symbol->n_names; i++) {
		out->names = &symbol->names[i];
		if (regex_matches(regex, symbol->names[i]))
			return true;
		out->names = &symbol->plain[i];
		if (regex_matches(regex, symbol->plain[i]) ||
		    matches_without_params(regex, symbol->plain[i]))
			return true;
	}
	return false;
}

static void find_routines(struct disasm *disasm)
{
	bool is_pprof = disasm->report->settings->pprof_sums;

	for (uint32_t f = 0; f < disasm->map.files.n; f++) {
		const struct objfile *file = codemap_file(&disasm->map, f);

		for (size_t i = 0; i < file->symbols.n; i++) {
			const struct objfile_symbol *symbol =
				vec_at(&file->symbols, i);
			struct routine routine = {
				.file = f, .start = symbol->start,
				.end = symbol->end - is_pprof,
			};

			if (!choose_names(disasm, symbol, f, &routine))
				continue;
			*(struct routine *)vec_push(&disasm->routines) =
				routine;
		}
	}
	disasm->n_found = disasm->routines.n;
}

/* Routines are by file and address, as they were found. */
static uint32_t routine_find(const struct disasm *disasm, uint32_t file,
			     uint64_t vaddr)
{
	size_t low = 0, high = disasm->routines.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct routine *r = routine_at(disasm, middle);

		if (file < r->file || (file == r->file && vaddr < r->start))
			high = middle;
		else if (file > r->file || vaddr >= r->end)
			low = middle + 1;
		else
			return (uint32_t)middle;
	}
	return NO_ID;
}

static void assign_routines(struct disasm *disasm)
{
	const struct pp *pp = disasm->report->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		uint32_t node = graph_physical_node(disasm->graph, i);
		const struct code_place *place = &disasm->map.places[i];

		disasm->routine_of[i] = disasm->inst_of[i] = NO_ID;
		if (place->file == NO_ID ||
		    !graph_node(disasm->graph, node)->is_listed)
			continue;
		disasm->routine_of[i] =
			routine_find(disasm, place->file, place->vaddr);
		if (disasm->routine_of[i] != NO_ID)
			routine_at(disasm, disasm->routine_of[i])
				->has_samples = true;
	}
}

static struct error *disassemble(struct disasm *disasm)
{
	const struct objfile_options options = {
		.intel = disasm->report->settings->intel_syntax,
	};

	for (size_t i = 0; i < disasm->routines.n; i++) {
		struct routine *r = routine_at(disasm, i);
		struct error *error;

		if (!r->has_samples)
			continue;
		error = objfile_disassemble(codemap_file(&disasm->map,
							 r->file),
					    r->start, r->end, &options,
					    &r->code);
		if (error)
			return error;
		r->inst_sums = xcalloc(r->code.insts.n, sizeof(struct sum));
		r->inst_nodes = xcalloc(r->code.insts.n, sizeof(uint32_t));
		for (size_t j = 0; j < r->code.insts.n; j++)
			r->inst_nodes[j] = NO_ID;
	}
	return NULL;
}

/* Of several locations in an instruction the first one names it. */
static void note_node(struct disasm *disasm, struct routine *r,
		      uint32_t inst, uint32_t node)
{
	uint32_t *noted = &r->inst_nodes[inst];

	if (*noted == NO_ID ||
	    graph_node(disasm->graph, node)->info.address <
		    graph_node(disasm->graph, *noted)->info.address)
		*noted = node;
}

static void assign_insts(struct disasm *disasm)
{
	const struct pp *pp = disasm->report->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		struct routine *r;

		if (disasm->routine_of[i] == NO_ID)
			continue;
		r = routine_at(disasm, disasm->routine_of[i]);
		disasm->inst_of[i] = code_find_inst(
			&r->code, disasm->map.places[i].vaddr);
		if (disasm->inst_of[i] != NO_ID)
			note_node(disasm, r, disasm->inst_of[i],
				  graph_physical_node(disasm->graph, i));
	}
}

/* pprof's figures: sums over nodes, of a function also where means are. */
static void sum_nodes(struct disasm *disasm)
{
	CLEANUP(free) bool *is_done = xcalloc(disasm->graph->nodes.n,
					      sizeof(*is_done));

	for (size_t i = 0; i < disasm->report->pp->locations.n; i++) {
		uint32_t id = graph_physical_node(disasm->graph, i);
		const struct graph_node *node = graph_node(disasm->graph, id);
		struct routine *r;
		struct sum *inst;

		if (disasm->routine_of[i] == NO_ID || is_done[id])
			continue;
		is_done[id] = true;
		r = routine_at(disasm, disasm->routine_of[i]);
		r->sum.flat = wrap_add(r->sum.flat, node->flat);
		r->sum.cum = wrap_add(r->sum.cum, node->cum);
		if (disasm->inst_of[i] == NO_ID)
			continue;
		inst = &r->inst_sums[disasm->inst_of[i]];
		inst->flat = wrap_add(inst->flat, node->flat);
		inst->flat_div = wrap_add(inst->flat_div, node->flat_div);
		inst->cum = wrap_add(inst->cum, node->cum);
		inst->cum_div = wrap_add(inst->cum_div, node->cum_div);
	}
}

static void sum_stacks(struct disasm *disasm)
{
	const struct pp *pp = disasm->report->pp;
	CLEANUP(free) struct stack_weight *weights =
		graph_weigh_stacks(disasm->graph);

	for (size_t i = 0; i < pp->stacks.n; i++) {
		const struct pp_stack *stack = vec_at(&pp->stacks, i);
		uint32_t stamp = (uint32_t)i + 1;

		for (uint32_t j = 0; weights[i].is_used && j < stack->n; j++) {
			uint32_t at = stack->frames[j];
			uint32_t inst = disasm->inst_of[at];
			struct routine *r;

			if (disasm->routine_of[at] == NO_ID)
				continue;
			r = routine_at(disasm, disasm->routine_of[at]);
			sum_add(&r->sum, &weights[i], stamp, !j);
			if (inst != NO_ID)
				sum_add(&r->inst_sums[inst], &weights[i],
					stamp, !j);
		}
	}
}

/* "fact a.c:4": where an instruction is from. */
struct origin {
	const char *function, *file;
	int64_t line;
};

static struct origin origin_of(const struct disasm *disasm,
			       const struct routine *r, size_t i)
{
	const struct objfile_inst *inst = vec_at(&r->code.insts, i);
	const struct pp *pp = disasm->report->pp;
	struct origin origin = { inst->function, inst->file, inst->line };
	const struct node_info *info;

	if (r->inst_nodes[i] == NO_ID)
		return origin;
	info = &graph_node(disasm->graph, r->inst_nodes[i])->info;
	if (!*origin.file)
		origin.file = pp_text(pp, info->file);
	if (!origin.line)
		origin.line = info->line;
	if (!*origin.function)
		origin.function = pp_text(pp, info->name);
	return origin;
}

static void add_origin(const struct origin *origin, struct strbuf *out)
{
	if (*origin->function)
		strbuf_addf(out, "%s ", origin->function);
	if (!*origin->file)
		return;
	path_add_base(out, origin->file);
	if (origin->line)
		strbuf_addf(out, ":%" PRId64, origin->line);
}

/* @origin is "" where it is that of the instruction before. */
static void add_inst(const struct disasm *disasm, const struct routine *r,
		     size_t i, const char *origin, struct strbuf *out)
{
	const struct objfile_inst *inst = vec_at(&r->code.insts, i);
	bool is_short = strlen(inst->text) < TEXT_COLUMNS;

	if (*origin && !is_short)
		strbuf_addf(out, "%*s;%s\n", LOCATION_COLUMN, "", origin);
	report_add_value_or_dot(disasm->report, sum_flat(&r->inst_sums[i]),
				out);
	report_add_value_or_dot(disasm->report, sum_cum(&r->inst_sums[i]),
				out);
	if (*origin && is_short)
		/* Columns are characters in pprof; objdump's are ASCII. */
		strbuf_addf(out, "%10" PRIx64 ": %-*s;%s\n", inst->vaddr,
			    TEXT_COLUMNS, inst->text, origin);
	else
		strbuf_addf(out, "%10" PRIx64 ": %s\n", inst->vaddr,
			    inst->text);
}

static void write_routine(const struct disasm *disasm,
			  const struct routine *r, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct origin last = { "", "", 0 };

	for (size_t i = 0; i < r->n_names; i++)
		strbuf_addf(out, "%s ======================== %s\n",
			    i ? "    AKA" : "ROUTINE", r->names[i]);
	report_add_sums(disasm->report, sum_flat(&r->sum), sum_cum(&r->sum),
			" of Total\n", out);
	for (size_t i = 0; i < r->code.insts.n; i++) {
		struct origin origin = origin_of(disasm, r, i);

		strbuf_reset(&text);
		strbuf_adds(&text, "");
		if (strcmp(origin.function, last.function) != 0 ||
		    strcmp(origin.file, last.file) != 0 ||
		    origin.line != last.line)
			add_origin(&origin, &text);
		last = origin;
		add_inst(disasm, r, i, text.data, out);
	}
}

static int compare_routines(const void *p, const void *q)
{
	const struct routine *a = p, *b = q;
	int c = strcmp(a->names[0], b->names[0]);

	return c ? c : (a->start > b->start) - (a->start < b->start);
}

static struct error *no_match(const struct disasm *disasm)
{
	if (!disasm->address)
		return codemap_explain(
			&disasm->map,
			error_new("no matches found for regexp %s",
				  regex_pattern(disasm->report->symbol)));
	if (!disasm->n_found)
		return error_new("no matches found for address 0x%" PRIx64,
				 disasm->address);
	return error_new("address 0x%" PRIx64 " found in binary, but the "
			 "corresponding symbols do not have samples in the "
			 "profile", disasm->address);
}

static void write_routines(struct disasm *disasm, struct strbuf *out)
{
	const struct report *report = disasm->report;
	int64_t cutoff = report_listing_cutoff(report);
	size_t n_hidden = 0;

	strbuf_adds(out, "Total: ");
	report_add_value(report, report->total, out);
	strbuf_adds(out, "\n");
	/* What refers to them by index is no longer needed. */
	qsort(disasm->routines.data, disasm->routines.n,
	      sizeof(struct routine), compare_routines);
	for (size_t i = 0; i < disasm->routines.n; i++) {
		const struct routine *r = routine_at(disasm, i);

		if (!r->has_samples)
			continue;
		if (wrap_abs(sum_cum(&r->sum)) < cutoff)
			n_hidden++;
		else
			write_routine(disasm, r, out);
	}
	report_add_hidden(report, n_hidden, cutoff, out);
}

static void disasm_clear(struct disasm *disasm)
{
	for (size_t i = 0; i < disasm->routines.n; i++) {
		struct routine *r = routine_at(disasm, i);

		objfile_code_clear(&r->code);
		free(r->inst_sums);
		free(r->inst_nodes);
	}
	vec_clear(&disasm->routines);
	codemap_clear(&disasm->map);
}

static struct error *fill(struct disasm *disasm, struct strbuf *out)
{
	bool has_samples = false;
	struct error *error;

	find_routines(disasm);
	assign_routines(disasm);
	for (size_t i = 0; i < disasm->routines.n; i++)
		has_samples |= routine_at(disasm, i)->has_samples;
	if (!has_samples)
		return no_match(disasm);
	error = disassemble(disasm);
	if (error)
		return error;
	assign_insts(disasm);
	if (disasm->report->settings->pprof_sums)
		sum_nodes(disasm);
	else
		sum_stacks(disasm);
	write_routines(disasm, out);
	return NULL;
}

struct error *report_write_disasm(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	CLEANUP(free) uint32_t *ids =
		xcalloc(2 * report->pp->locations.n, sizeof(*ids));
	struct disasm disasm = {
		.report = report, .graph = graph,
		.routines = VEC_OF(struct routine),
		.routine_of = ids,
		.inst_of = ids + report->pp->locations.n,
		.address = code_address(regex_pattern(report->symbol)),
	};
	CLEANUP(free) bool *is_wanted = find_wanted(&disasm);
	struct error *error = codemap_make(report->pp, is_wanted,
					   &disasm.map);

	if (!error)
		error = fill(&disasm, out);
	disasm_clear(&disasm);
	return error;
}
