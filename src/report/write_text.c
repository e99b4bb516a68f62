/* SPDX-License-Identifier: MIT */
/* write_text.c - the reports top (text), tree and peek. */
#include "profile/unit.h"
#include "report/listing.h"
#include "report/writers.h"

static void add_percent(int64_t value, int64_t total, const char *before,
			struct strbuf *out)
{
	strbuf_adds(out, before);
	unit_add_percent(out, value, total);
}

/* "     1.20s 41.52% 41.52%      2.10s 72.66%": flat, their sum, cum. */
static void add_weights(const struct report *report,
			const struct graph_node *node, int64_t flat_sum,
			struct strbuf *out)
{
	int64_t flat = graph_flat(node), cum = graph_cum(node);

	report_add_value_right(report, flat, 10, out);
	add_percent(flat, report->total, " ", out);
	add_percent(flat_sum, report->total, " ", out);
	strbuf_adds(out, " ");
	report_add_value_right(report, cum, 10, out);
	add_percent(cum, report->total, " ", out);
}

/* Were the calls that are shown inlined? */
static const char *inline_note(const struct graph *graph,
			       const struct graph_node *node)
{
	bool has_inlined = false, has_plain = false;

	for (uint32_t i = 0; i < node->n_in; i++) {
		const struct graph_edge *edge =
			graph_edge(graph, graph->in[node->first_in + i]);

		has_inlined |= edge->is_inlined;
		has_plain |= !edge->is_inlined;
	}
	if (!has_inlined)
		return "";
	return has_plain ? " (partial-inline)" : " (inline)";
}

struct error *report_write_top(struct report *report, struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(graph_free) struct graph *graph =
		report_graph(report, &trimming);
	int64_t sum = 0;

	report_add_graph_header(report, graph, &trimming, out);
	strbuf_adds(out, "      flat  flat%   sum%        cum   cum%\n");
	for (size_t i = 0; i < graph->order.n; i++) {
		struct graph_node *node = graph_listed(graph, i);

		sum = wrap_add(sum, graph_flat(node));
		add_weights(report, node, sum, out);
		strbuf_adds(out, "  ");
		strbuf_adds(out, graph_name(graph, node));
		strbuf_adds(out, inline_note(graph, node));
		strbuf_adds(out, "\n");
	}
	return NULL;
}

static const char tree_separator[] =
	"----------------------------------------------------------+--------"
	"-----\n";

/* A caller or callee of a node whose cum is @cum. */
static void add_tree_edge(const struct report *report, struct graph *graph,
			  const struct graph_edge *edge, uint32_t other,
			  int64_t cum, struct strbuf *out)
{
	report_add_value_right(report, edge->weight, 50, out);
	add_percent(edge->weight, cum, " ", out);
	strbuf_adds(out, " |   ");
	strbuf_adds(out, graph_name(graph, graph_node(graph, other)));
	strbuf_adds(out, edge->is_inlined ? " (inline)\n" : "\n");
}

static void add_tree_node(const struct report *report, struct graph *graph,
			  struct graph_node *node, int64_t sum,
			  struct strbuf *out)
{
	int64_t cum = graph_cum(node);

	strbuf_adds(out, tree_separator);
	for (uint32_t i = 0; i < node->n_in; i++) {
		const struct graph_edge *edge =
			graph_edge(graph, graph->in[node->first_in + i]);

		add_tree_edge(report, graph, edge, edge->from, cum, out);
	}
	add_weights(report, node, sum, out);
	strbuf_adds(out, "                | ");
	strbuf_adds(out, graph_name(graph, node));
	strbuf_adds(out, "\n");
	for (uint32_t i = 0; i < node->n_out; i++) {
		const struct graph_edge *edge =
			graph_edge(graph, graph->out[node->first_out + i]);

		add_tree_edge(report, graph, edge, edge->to, cum, out);
	}
}

/* With an argument (peek) only the nodes that match it. */
struct error *report_write_tree(struct report *report, struct strbuf *out)
{
	struct trimming trimming;
	CLEANUP(graph_free) struct graph *graph =
		report_graph(report, &trimming);
	size_t n_matched = 0, n_hidden = 0;
	int64_t sum = 0, cutoff = report_listing_cutoff(report);

	report_add_graph_header(report, graph, &trimming, out);
	strbuf_adds(out, tree_separator);
	strbuf_adds(out, "      flat  flat%   sum%        cum   cum%   calls "
			 "calls% + context \t \t \n");
	for (size_t i = 0; i < graph->order.n; i++) {
		struct graph_node *node = graph_listed(graph, i);

		if (report->symbol &&
		    !regex_matches(report->symbol, graph_name(graph, node)))
			continue;
		n_matched++;
		if (report->symbol && wrap_abs(graph_cum(node)) < cutoff) {
			n_hidden++;
			continue;
		}
		sum = wrap_add(sum, graph_flat(node));
		add_tree_node(report, graph, node, sum, out);
	}
	if (graph->order.n)
		strbuf_adds(out, tree_separator);
	report_add_hidden(report, n_hidden, cutoff, out);
	if (report->symbol && !n_matched)
		return error_new("no matches found for regexp: %s",
				 regex_pattern(report->symbol));
	return NULL;
}
