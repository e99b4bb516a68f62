/* SPDX-License-Identifier: MIT */
/*
 * write_dot.c - the report dot: a call graph for Graphviz.
 *
 * Size stands for flat, colour for cum; see pprof's doc/README.md, "Graphical
 * reports". A call over nodes left out is dotted.
 */
#include <math.h>

#include "profile/unit.h"
#include "report/dot.h"
#include "report/writers.h"

#define FONT_MIN 8
#define FONT_GROWTH 16.0

/* Quotes and backslashes escaped; lines end at the left. */
void dot_add_escaped(const char *text, struct strbuf *out)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			strbuf_addc(out, '\\');
		if (*text == '\n')
			strbuf_adds(out, "\\l");
		else
			strbuf_addc(out, *text);
	}
}

/* What Go's conversion makes of it, also where there is no number. */
static unsigned colour_byte(double x)
{
	return (unsigned)int64_of_double(x * 255) & 0xff;
}

/* Grey at 0, red at 1, green at -1; small scores are less colourful. */
static void add_colour(double score, bool is_background, struct strbuf *out)
{
	double saturation = is_background ? 0.1 : 1.0;
	double value = is_background ? 0.93 : 0.7;
	double red = value, green = value;

	if (!isnan(score))
		score = fmax(-1, fmin(1, score));
	if (fabs(score) < 0.2)
		saturation *= fabs(score) / 0.2;
	if (score > 0)
		score = pow(score, 0.3);
	else if (score < 0)
		score = -pow(-score, 0.3);
	if (score < 0)
		red = value * (1 + saturation * score);
	else
		green = value * (1 - saturation * score);
	strbuf_addf(out, "\"#%02x%02x%02x\"", colour_byte(red),
		    colour_byte(green),
		    colour_byte(value * (1 - saturation)));
}

static double share_of(const struct dot *dot, int64_t value)
{
	return (double)value / (double)wrap_abs(dot->report->total);
}

/* "12.5%" without blanks before it. */
static void add_trimmed_percent(const struct dot *dot, int64_t value,
				struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	unit_add_percent(&text, value, dot->report->total);
	strbuf_adds(out, text.data + strspn(text.data, " "));
}

/* Each part of the name on a line of its own: "ns::A.f" -> ns, A, f. */
static void add_split_name(const char *name, struct strbuf *out)
{
	while (*name) {
		if (!strncmp(name, "::", 2)) {
			strbuf_adds(out, "\\n");
			name += 2;
		} else if (!strncmp(name, "[...]", 5)) {
			strbuf_adds(out, "[\xe2\x80\xa6]"); /* Go's types */
			name += 5;
		} else if (*name == '.') {
			strbuf_adds(out, "\\n");
			name++;
		} else {
			strbuf_addc(out, *name++);
		}
	}
}

/* The parts of node_add_name(), shortened, each with "\n" behind it. */
static void add_label_name(const struct dot *dot,
			   const struct node_info *info, struct strbuf *out)
{
	const struct pp *pp = dot->report->pp;
	const char *file = pp_text(pp, info->file);
	const char *object = pp_text(pp, info->object);
	bool has_name = *pp_text(pp, info->name);
	CLEANUP(strbuf_clear) struct strbuf shorter = { 0 };
	CLEANUP(strbuf_clear) struct strbuf escaped = { 0 };

	if (info->address)
		strbuf_addf(out, "%016llx\\n",
			    (unsigned long long)info->address);
	if (has_name) {
		shortener_add(dot->shortener, pp_text(pp, info->name),
			      &shorter);
		dot_add_escaped(shorter.data, &escaped);
		add_split_name(escaped.data, out);
		strbuf_adds(out, "\\n");
	}
	if (*file)
		path_add_base(out, file);
	if (info->line)
		strbuf_addf(out, ":%lld", (long long)info->line);
	if (info->line && info->column)
		strbuf_addf(out, ":%lld", (long long)info->column);
	if (!*file && !info->line && !has_name && *object) {
		strbuf_adds(out, "[");
		path_add_base(out, object);
		strbuf_adds(out, "]");
	} else if (!*file && !info->line && !has_name) {
		strbuf_adds(out, "<unknown>");
	}
	if (*file || info->line || !has_name)
		strbuf_adds(out, "\\n");
}

/* "1.2s (40%)\nof 2s (66%)"; what is 0 has no percentage. */
static void add_label_weights(const struct dot *dot,
			      const struct graph_node *node,
			      struct strbuf *out)
{
	int64_t flat = graph_flat(node), cum = graph_cum(node);

	if (flat) {
		report_add_value(dot->report, flat, out);
		strbuf_adds(out, " (");
		add_trimmed_percent(dot, flat, out);
		strbuf_adds(out, ")");
	} else {
		strbuf_adds(out, "0");
	}
	if (cum == flat)
		return;
	strbuf_adds(out, flat ? "\\nof " : " of ");
	report_add_value(dot->report, cum, out);
	strbuf_adds(out, " (");
	add_trimmed_percent(dot, cum, out);
	strbuf_adds(out, ")");
}

static int font_size(const struct dot *dot, int64_t flat)
{
	double size = (double)wrap_abs(flat), max = (double)dot->max_flat;

	if (max == 0 || flat == 0 || size > max)
		return FONT_MIN;
	return FONT_MIN + (int)ceil(FONT_GROWTH * sqrt(size / max));
}

static void add_node(const struct dot *dot, struct graph_node *node,
		     uint32_t number, struct strbuf *out)
{
	int64_t flat = graph_flat(node), cum = graph_cum(node);

	strbuf_addf(out, "N%u [label=\"", number);
	add_label_name(dot, &node->info, out);
	add_label_weights(dot, node, out);
	strbuf_addf(out, "\" id=\"node%u\" fontsize=%d shape=box tooltip=\"",
		    number, font_size(dot, flat));
	dot_add_escaped(graph_name(dot->graph, node), out);
	strbuf_adds(out, " (");
	report_add_value(dot->report, cum, out);
	strbuf_adds(out, ")\" color=");
	add_colour(share_of(dot, cum), false, out);
	strbuf_adds(out, " fillcolor=");
	add_colour(share_of(dot, cum), true, out);
	strbuf_adds(out, "]\n");
}

/* " weight=12 penwidth=2": thicker and straighter where more goes. */
static void add_edge_strength(const struct dot *dot, int64_t weight,
			      struct strbuf *out)
{
	int64_t total = dot->report->total;
	int64_t strength, width;

	if (!total)
		return;
	strength = wrap_abs((int64_t)((uint64_t)weight * 100) / total);
	width = wrap_abs((int64_t)((uint64_t)weight * 5) / total);
	strength = 1 + (strength < 100 ? strength : 100);
	width = 1 + (width < 5 ? width : 5);
	if (strength > 1)
		strbuf_addf(out, " weight=%d", (int)strength);
	if (width > 1)
		strbuf_addf(out, " penwidth=%d", (int)width);
	strbuf_adds(out, " color=");
	add_colour(share_of(dot, weight), false, out);
}

static void add_edge(const struct dot *dot, const struct graph_edge *edge,
		     struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf tooltip = { 0 };
	CLEANUP(strbuf_clear) struct strbuf value = { 0 };
	struct graph *graph = dot->graph;
	int64_t weight = edge->weight_div ?
				 wrap_div(edge->weight, edge->weight_div) :
				 edge->weight;

	report_add_value(dot->report, weight, &value);
	dot_add_escaped(graph_name(graph, graph_node(graph, edge->from)),
			&tooltip);
	strbuf_adds(&tooltip, edge->is_residual ? " ... " : " -> ");
	dot_add_escaped(graph_name(graph, graph_node(graph, edge->to)),
			&tooltip);
	strbuf_addf(&tooltip, " (%s)", value.data);
	strbuf_addf(out, "N%u -> N%u [label=\" %s%s\"",
		    dot->numbers[edge->from], dot->numbers[edge->to],
		    value.data, edge->is_inlined ? "\\n (inline)" : "");
	add_edge_strength(dot, weight, out);
	strbuf_addf(out, " tooltip=\"%s\" labeltooltip=\"%s\"", tooltip.data,
		    tooltip.data);
	strbuf_adds(out, edge->is_residual ? " style=\"dotted\"" : "");
	strbuf_adds(out, dot->has_nodelets[edge->from] ? " minlen=2" : "");
	strbuf_adds(out, "]\n");
}

static int compare_edges(const void *p, const void *q, void *arg)
{
	return graph_compare_edges(arg, *(const uint32_t *)p,
				   *(const uint32_t *)q);
}

/* All calls from nodes that are shown, the heaviest first. */
static void add_edges(const struct dot *dot, struct strbuf *out)
{
	struct graph *graph = dot->graph;
	struct vec edges = VEC_OF(uint32_t);

	for (size_t i = 0; i < graph->edges.n; i++) {
		const struct graph_edge *edge = graph_edge(graph, i);

		if (!edge->is_dropped &&
		    graph_node(graph, edge->from)->is_listed)
			*(uint32_t *)vec_push(&edges) = (uint32_t)i;
	}
	if (edges.n)
		qsort_r(edges.data, edges.n, sizeof(uint32_t), compare_edges,
			graph);
	for (size_t i = 0; i < edges.n; i++)
		add_edge(dot, graph_edge(graph,
					 *(uint32_t *)vec_at(&edges, i)),
			 out);
	vec_clear(&edges);
}

static void add_legend(const struct dot *dot, const char *title,
		       const struct trimming *trimming, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf header = { 0 };
	CLEANUP(free) char *first = NULL;

	report_add_graph_header(dot->report, dot->graph, trimming, &header);
	first = xstrndup(header.data, strcspn(header.data, "\n"));
	strbuf_adds(&header, "\nSee https://git.io/JfYMW for how to read the "
			     "graph\n");
	strbuf_adds(out, "subgraph cluster_L { \"");
	dot_add_escaped(first, out);
	strbuf_adds(out, "\" [shape=box fontsize=16 label=\"");
	dot_add_escaped(header.data, out);
	strbuf_adds(out, "\"");
	if (*title) {
		strbuf_adds(out, " tooltip=\"");
		dot_add_escaped(title, out);
		strbuf_adds(out, "\"");
	}
	strbuf_adds(out, "] }\n");
}

static void add_graph(struct dot *dot, struct strbuf *out)
{
	struct graph *graph = dot->graph;

	for (size_t i = 0; i < graph->order.n; i++) {
		uint32_t id = *(uint32_t *)vec_at(&graph->order, i);
		int64_t flat = wrap_abs(graph_flat(graph_node(graph, id)));

		dot->numbers[id] = (uint32_t)i + 1;
		if (flat > dot->max_flat)
			dot->max_flat = flat;
	}
	for (size_t i = 0; i < graph->order.n; i++) {
		uint32_t id = *(uint32_t *)vec_at(&graph->order, i);

		add_node(dot, graph_node(graph, id), (uint32_t)i + 1, out);
		dot->has_nodelets[id] =
			dot_add_nodelets(dot, id, (uint32_t)i + 1, out);
	}
	add_edges(dot, out);
}

struct error *report_write_dot(struct report *report, struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(strbuf_clear) struct strbuf title = { 0 };
	CLEANUP(shortener_free) struct shortener *shortener = shortener_new();
	struct graph_tags tags;
	CLEANUP(graph_free) struct graph *graph =
		report_visual_graph(report, &trimming, &tags);
	CLEANUP(free) uint32_t *numbers = xcalloc(graph->nodes.n,
						  sizeof(*numbers));
	CLEANUP(free) bool *has_nodelets = xcalloc(graph->nodes.n,
						   sizeof(*has_nodelets));
	struct dot dot = { .report = report, .graph = graph, .tags = &tags,
			   .shortener = shortener, .numbers = numbers,
			   .has_nodelets = has_nodelets };

	if (report->pp->mappings.n) {
		const struct pp_mapping *main_mapping =
			vec_at(&report->pp->mappings, 0);

		if (main_mapping->file)
			path_add_base(&title, pp_text(report->pp,
						      main_mapping->file));
	}
	strbuf_adds(out, "digraph \"");
	dot_add_escaped(title.len ? title.data : "unnamed", out);
	strbuf_adds(out, "\" {\n");
	strbuf_adds(out, "node [style=filled fillcolor=\"#f8f8f8\"]\n");
	add_legend(&dot, title.len ? title.data : "", &trimming, out);
	add_graph(&dot, out);
	strbuf_adds(out, "}\n");
	graph_tags_clear(&tags);
	return NULL;
}
