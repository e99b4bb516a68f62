/* SPDX-License-Identifier: MIT */
/* report_graph.c - the graph of a report, trimmed as the settings want it. */
#include "profile/unit.h"
#include "report/graph_visual.h"
#include "report/report.h"

/* The one unit that shows the least value of the graph as 0.01 or more. */
static void choose_unit(struct report *report, const struct graph *graph)
{
	int64_t min = 0, max = report->total;
	const char *small, *large;

	if (strcmp(report->shown_unit, "minimum") || !graph->order.n)
		return;
	for (size_t i = 0; i < graph->order.n; i++) {
		const struct graph_node *node = graph_listed(graph, i);
		int64_t value = wrap_abs(graph_flat(node));

		value = value ? value : wrap_abs(graph_cum(node));
		if (value > 0 && (!min || value < min))
			min = value;
	}
	min = report_apply_ratio(report, min ? min : max);
	max = report_apply_ratio(report, max);
	unit_scale(min, report->unit, "minimum", &small);
	unit_scale(max, report->unit, "minimum", &large);
	if (strcmp(small, large) && !report->format->has_whole_numbers &&
	    (int64_t)((uint64_t)min * 100) < max)
		unit_scale((int64_t)((uint64_t)min * 100), report->unit,
			   "minimum", &small);
	free(report->shown_unit);
	report->shown_unit = xstrdup(*small ? small : report->unit);
}

static void trim_paths(struct report *report)
{
	const struct settings *s = report->settings;

	for (size_t i = 0; i < report->pp->functions.n; i++) {
		struct pp_function *f = vec_at(&report->pp->functions, i);
		const char *path = pp_text(report->pp, f->filename);
		const char *trimmed =
			path_trim(path, s->trim_path, s->source_path);

		if (trimmed != path)
			f->filename = pp_string(report->pp, trimmed);
	}
}

static int64_t cutoff_of(const struct graph *graph, double fraction)
{
	int64_t sum = 0;

	for (size_t i = 0; i < graph->order.n; i++)
		sum = wrap_add(sum, graph_listed(graph, i)->flat);
	return wrap_abs(int64_of_double((double)sum * fraction));
}

struct graph *report_whole_graph(struct report *report)
{
	struct graph_options options = {
		.type = report->type,
		.is_mean = report->settings->mean,
		.has_objects = report->format->has_objects,
		.drop_negative = report->settings->drop_negative,
		/* As in pprof: for pictures and callgrind. */
		.is_tree = report->settings->call_tree &&
			   (report->format->is_graph ||
			    report->format->has_whole_numbers),
	};
	struct graph *graph;

	trim_paths(report);
	graph = graph_new(report->pp, &options);
	graph_fill(graph);
	return graph;
}

struct cutoffs { /* shares of what was there before trimming */
	int64_t node, edge;
};

static struct cutoffs drop_light_nodes(const struct report *report,
				       struct graph *graph,
				       struct trimming *out)
{
	struct cutoffs cutoffs = { cutoff_of(graph, report->nodefraction),
				   cutoff_of(graph, report->edgefraction) };

	*out = (struct trimming){ 0 };
	if (cutoffs.node > 0) {
		out->n_dropped_nodes = graph_keep_heavy(graph, cutoffs.node);
		if (out->n_dropped_nodes)
			graph_fill(graph);
	}
	out->n_before = graph->order.n;
	return cutoffs;
}

struct graph *report_graph(struct report *report, struct trimming *out)
{
	bool by_cum = !strcmp(report->settings->sort, "cum");
	struct graph *graph = report_whole_graph(report);
	struct cutoffs cutoffs = drop_light_nodes(report, graph, out);

	graph_sort(graph, by_cum);
	if (report->nodecount) {
		graph_drop_light_edges(graph, cutoffs.edge);
		if (graph_keep_first(graph, report->nodecount)) {
			graph_fill(graph);
			graph_sort(graph, by_cum);
		}
	}
	out->n_dropped_edges = graph_drop_light_edges(graph, cutoffs.edge);
	graph_link(graph);
	choose_unit(report, graph);
	return graph;
}

struct graph *report_visual_graph(struct report *report, struct trimming *out,
				  struct graph_tags *out_tags)
{
	struct graph *graph = report_whole_graph(report);
	struct cutoffs cutoffs = drop_light_nodes(report, graph, out);
	size_t n;

	graph_sort_by_entropy(graph);
	if (report->nodecount) {
		graph_tags_make(graph, &report->units, report->shown_unit,
				cutoffs.node, out_tags);
		graph_drop_light_edges(graph, cutoffs.edge);
		n = graph_count_visible(graph, out_tags, report->nodecount);
		graph_tags_clear(out_tags);
		if (graph_keep_first(graph, n)) {
			graph_fill(graph);
			if (graph->options.is_tree)
				graph_drop_light_edges(graph, cutoffs.edge);
			graph_sort_by_entropy(graph);
		}
	}
	graph_tags_make(graph, &report->units, report->shown_unit,
			cutoffs.node, out_tags);
	out->n_dropped_edges = graph_drop_light_edges(graph, cutoffs.edge);
	graph_drop_redundant_edges(graph);
	graph_link(graph);
	choose_unit(report, graph);
	return graph;
}
