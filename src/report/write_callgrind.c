/* SPDX-License-Identifier: MIT */
/*
 * write_callgrind.c - the report callgrind, for KCachegrind and its kin.
 *
 * Names are numbered when they come first, addresses may be relative to those
 * of the node before ("Callgrind Format Specification", name and
 * subposition compression).
 */
#include <stdio.h>

#include "profile/unit.h"
#include "report/writers.h"

struct callgrind {
	const struct report *report;
	struct graph *graph;
	struct intern objects, files, names;
	struct intern same_names;    /* file, name: callgrind merges these */
	uint32_t *function_of;	     /* by node: index within its same_names */
	uint32_t *n_functions;	     /* by same_names */
	const struct node_info *last; /* the node before, or NULL */
};

/* "fn=(3) name", "fn=(3)" once it is known, "fn=" without a name. */
static void add_name(const char *key, struct intern *names, const char *name,
		     struct strbuf *out)
{
	size_t n = names->entries.n;
	uint32_t id;

	strbuf_adds(out, key);
	if (*name) {
		id = intern_string(names, name);
		strbuf_addf(out, "(%u)", id + 1);
		if (id == n)
			strbuf_addf(out, " %s", name);
	}
	strbuf_adds(out, "\n");
}

static void add_address(const struct callgrind *c, uint64_t address,
			struct strbuf *out)
{
	char absolute[24], relative[24];

	snprintf(absolute, sizeof(absolute), "0x%llx",
		 (unsigned long long)address);
	if (c->last && c->last->address == address) {
		strbuf_adds(out, "*");
		return;
	}
	if (c->last) {
		snprintf(relative, sizeof(relative), "%+lld",
			 (long long)(address - c->last->address));
		if (strlen(relative) < strlen(absolute)) {
			strbuf_adds(out, relative);
			return;
		}
	}
	strbuf_adds(out, absolute);
}

static long long scaled(const struct callgrind *c, int64_t value)
{
	const char *unit;

	return int64_of_double(unit_scale(value, c->report->unit,
					  c->report->shown_unit, &unit));
}

/* Functions that callgrind would take for one are numbered: "f [2/3]". */
static char *callee_name(const struct callgrind *c, uint32_t id)
{
	const struct node_info *info = &graph_node(c->graph, id)->info;
	const char *name = pp_text(c->report->pp, info->name);
	uint32_t key[] = { info->file, info->name };
	uint32_t same = intern_find(&c->same_names, key, sizeof(key));

	if (!graph_node(c->graph, id)->is_listed)
		return xstrdup("");
	if (same == NO_ID || c->n_functions[same] < 2)
		return xstrdup(name);
	return xasprintf("%s [%u/%u]", name, c->function_of[id] + 1,
			 c->n_functions[same]);
}

static void number_functions(struct callgrind *c)
{
	struct intern functions; /* same_names, start line, object */
	CLEANUP(free) uint32_t *index_of =
		xcalloc(c->graph->nodes.n, sizeof(*index_of));

	intern_init(&functions);
	for (size_t i = 0; i < c->graph->order.n; i++) {
		uint32_t id = *(uint32_t *)vec_at(&c->graph->order, i);
		const struct node_info *info =
			&graph_node(c->graph, id)->info;
		uint32_t key[] = { info->file, info->name };
		uint32_t same = intern_bytes(&c->same_names, key, sizeof(key));
		uint64_t function[] = { same, (uint64_t)info->start_line,
					info->object,
					graph_node(c->graph, id)->parent };
		size_t n = functions.entries.n;
		uint32_t at = intern_bytes(&functions, function,
					   sizeof(function));

		if (at == n)
			index_of[at] = c->n_functions[same]++;
		c->function_of[id] = index_of[at];
	}
	intern_clear(&functions);
}

static void add_call(struct callgrind *c, const struct graph_edge *edge,
		     struct strbuf *out)
{
	const struct node_info *to = &graph_node(c->graph, edge->to)->info;
	CLEANUP(free) char *name = callee_name(c, edge->to);

	add_name("cfl=", &c->files, pp_text(c->report->pp, to->file), out);
	add_name("cfn=", &c->names, name, out);
	strbuf_adds(out, "calls=0 ");
	add_address(c, to->address, out);
	strbuf_addf(out, " %lld\n* * %lld\n", (long long)to->line,
		    scaled(c, edge->weight));
}

static void add_node(struct callgrind *c, struct graph_node *node,
		     struct strbuf *out)
{
	const struct node_info *info = &node->info;
	const struct pp *pp = c->report->pp;

	if (!c->last || info->object != c->last->object ||
	    info->file != c->last->file || info->name != c->last->name) {
		strbuf_adds(out, "\n");
		add_name("ob=", &c->objects, pp_text(pp, info->object), out);
		add_name("fl=", &c->files, pp_text(pp, info->file), out);
		add_name("fn=", &c->names, pp_text(pp, info->name), out);
	}
	add_address(c, info->address, out);
	strbuf_addf(out, " %lld %lld\n", (long long)info->line,
		    scaled(c, graph_flat(node)));
	for (uint32_t i = 0; i < node->n_out; i++)
		add_call(c, graph_edge(c->graph,
				       c->graph->out[node->first_out + i]),
			 out);
	c->last = info;
}

struct error *report_write_callgrind(struct report *report,
				     struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(graph_free) struct graph *graph =
		report_graph(report, &trimming);
	CLEANUP(free) uint32_t *function_of =
		xcalloc(graph->nodes.n, sizeof(*function_of));
	CLEANUP(free) uint32_t *n_functions =
		xcalloc(graph->nodes.n, sizeof(*n_functions));
	struct callgrind c = { .report = report, .graph = graph,
			       .function_of = function_of,
			       .n_functions = n_functions };

	intern_init(&c.objects);
	intern_init(&c.files);
	intern_init(&c.names);
	intern_init(&c.same_names);
	number_functions(&c);
	strbuf_addf(out, "positions: instr line\nevents: %s(%s)\n",
		    report->type_name, report->shown_unit);
	for (size_t i = 0; i < graph->order.n; i++)
		add_node(&c, graph_listed(graph, i), out);
	intern_clear(&c.objects);
	intern_clear(&c.files);
	intern_clear(&c.names);
	intern_clear(&c.same_names);
	return NULL;
}
