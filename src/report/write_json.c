/* SPDX-License-Identifier: MIT */
/*
 * write_json.c - the report json: what top and tree show, for programs.
 *
 *	{"type":"cpu","unit":"nanoseconds","total":100,...
 *	"nodes":[{"id":0,"name":"main","flat":5,"cum":100},...],
 *	"edges":[{"from":0,"to":1,"weight":60},...]}
 *
 * Values are whole numbers in the unit. What is false or not known is left out.
 */
#include <inttypes.h>

#include "report/writers.h"

static void add_text_field(const char *key, const char *text,
			   struct strbuf *out)
{
	if (!*text)
		return;
	strbuf_addf(out, ",\"%s\":", key);
	report_add_json(text, out);
}

static void add_number(const char *key, int64_t value, struct strbuf *out)
{
	strbuf_addf(out, ",\"%s\":%" PRId64, key, value);
}

static void add_flag(const char *key, bool value, struct strbuf *out)
{
	if (value)
		strbuf_addf(out, ",\"%s\":true", key);
}

static void add_profile(const struct report *report, struct strbuf *out)
{
	const struct pp *pp = report->pp;

	strbuf_adds(out, "{\"type\":");
	report_add_json(report->type_name, out);
	strbuf_adds(out, ",\"unit\":");
	report_add_json(report->unit, out);
	add_number("total", report_apply_ratio(report, report->total), out);
	if (pp->mappings.n) {
		const struct pp_mapping *m = vec_at(&pp->mappings, 0);

		add_text_field("program", pp_text(pp, m->file), out);
		add_text_field("build_id", pp_text(pp, m->build_id), out);
	}
	if (pp->time_ns)
		add_number("time_ns", pp->time_ns, out);
	if (pp->duration_ns)
		add_number("duration_ns", pp->duration_ns, out);
	strbuf_adds(out, ",\"comments\":[");
	for (size_t i = 0; i < pp->comments.n; i++) {
		strbuf_adds(out, i ? "," : "");
		report_add_json(pp_text(pp, *(string_id *)vec_at(
						    &pp->comments, i)), out);
	}
	strbuf_adds(out, "]");
}

/* Inlined into all of its callers? */
static bool is_inlined(const struct graph *graph,
		       const struct graph_node *node)
{
	for (uint32_t i = 0; i < node->n_in; i++)
		if (!graph_edge(graph, graph->in[node->first_in + i])
			     ->is_inlined)
			return false;
	return node->n_in > 0;
}

static void add_node(const struct report *report, struct graph *graph,
		     struct graph_node *node, size_t id, struct strbuf *out)
{
	const struct node_info *info = &node->info;
	const struct pp *pp = report->pp;

	strbuf_addf(out, "%s\n{\"id\":%zu,\"name\":", id ? "," : "", id);
	report_add_json(graph_name(graph, node), out);
	add_text_field("function", pp_text(pp, info->name), out);
	add_text_field("file", pp_text(pp, info->file), out);
	if (info->line)
		add_number("line", info->line, out);
	if (info->address)
		strbuf_addf(out, ",\"address\":\"0x%" PRIx64 "\"",
			    info->address);
	add_number("flat", report_apply_ratio(report, graph_flat(node)), out);
	add_number("cum", report_apply_ratio(report, graph_cum(node)), out);
	add_flag("inline", is_inlined(graph, node), out);
	strbuf_adds(out, "}");
}

static void add_edges(const struct report *report, const struct graph *graph,
		      const uint32_t *ids, struct strbuf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < graph->edges.n; i++) {
		const struct graph_edge *e = graph_edge(graph, i);
		int64_t weight = e->weight_div ?
					 wrap_div(e->weight, e->weight_div) :
					 e->weight;

		if (e->is_dropped || !graph_node(graph, e->from)->is_listed ||
		    !graph_node(graph, e->to)->is_listed)
			continue;
		strbuf_addf(out, "%s\n{\"from\":%u,\"to\":%u", comma,
			    ids[e->from], ids[e->to]);
		add_number("weight", report_apply_ratio(report, weight), out);
		add_flag("inline", e->is_inlined, out);
		add_flag("residual", e->is_residual, out);
		strbuf_adds(out, "}");
		comma = ",";
	}
}

struct error *report_write_json(struct report *report, struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(graph_free) struct graph *graph =
		report_graph(report, &trimming);
	CLEANUP(free) uint32_t *ids = xcalloc(graph->nodes.n, sizeof(*ids));
	size_t n = graph->order.n;

	add_profile(report, out);
	add_number("dropped_nodes", (int64_t)(trimming.n_dropped_nodes +
					      trimming.n_before - n), out);
	add_number("dropped_edges", (int64_t)trimming.n_dropped_edges, out);
	strbuf_adds(out, ",\n\"nodes\":[");
	for (size_t i = 0; i < n; i++) {
		ids[*(uint32_t *)vec_at(&graph->order, i)] = (uint32_t)i;
		add_node(report, graph, graph_listed(graph, i), i, out);
	}
	strbuf_adds(out, "],\n\"edges\":[");
	add_edges(report, graph, ids, out);
	strbuf_adds(out, "]}\n");
	return NULL;
}
