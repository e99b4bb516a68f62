/* SPDX-License-Identifier: MIT */
/* graph_trim.c - which nodes and calls are shown, and in which order. */
#include "report/graph.h"

size_t graph_keep_heavy(struct graph *graph, int64_t cutoff)
{
	size_t n_dropped = 0;

	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);

		node->is_kept = node->is_listed &&
				wrap_abs(node->cum) >= cutoff;
		n_dropped += node->is_listed && !node->is_kept;
	}
	return n_dropped;
}

bool graph_keep_first(struct graph *graph, size_t n)
{
	if (n >= graph->order.n)
		return false;
	for (size_t i = 0; i < graph->nodes.n; i++)
		graph_node(graph, i)->is_kept = false;
	for (size_t i = 0; i < n; i++)
		graph_listed(graph, i)->is_kept = true;
	return true;
}

size_t graph_drop_light_edges(struct graph *graph, int64_t cutoff)
{
	size_t n_dropped = 0;

	for (size_t i = 0; i < graph->edges.n; i++) {
		struct graph_edge *edge = graph_edge(graph, i);

		if (edge->is_dropped || wrap_abs(edge->weight) >= cutoff ||
		    !graph_node(graph, edge->to)->is_listed)
			continue;
		edge->is_dropped = true;
		n_dropped++;
	}
	return n_dropped;
}

static int compare_values(int64_t a, int64_t b)
{
	a = wrap_abs(a);
	b = wrap_abs(b);
	return (a < b) - (a > b);
}

/* Nodes with addresses are compared by them, and not by their names. */
static int compare_names(struct graph *graph, struct graph_node *a,
			 struct graph_node *b)
{
	if (a->info.address && b->info.address &&
	    a->info.address != b->info.address)
		return a->info.address < b->info.address ? -1 : 1;
	return strcmp(graph_name(graph, a), graph_name(graph, b));
}

struct order {
	struct graph *graph;
	bool by_cum;
};

static int compare_nodes(const void *p, const void *q, void *arg)
{
	const struct order *order = arg;
	uint32_t i = *(const uint32_t *)p, j = *(const uint32_t *)q;
	struct graph_node *a = graph_node(order->graph, i);
	struct graph_node *b = graph_node(order->graph, j);
	int c = order->by_cum ? compare_values(a->cum, b->cum) :
				compare_values(a->flat, b->flat);

	if (!c)
		c = compare_names(order->graph, a, b);
	if (!c)
		c = order->by_cum ? compare_values(a->flat, b->flat) :
				    compare_values(a->cum, b->cum);
	return c ? c : (i > j) - (i < j);
}

void graph_sort(struct graph *graph, bool by_cum)
{
	struct order order = { graph, by_cum };

	if (graph->order.n)
		qsort_r(graph->order.data, graph->order.n, sizeof(uint32_t),
			compare_nodes, &order);
}

int graph_compare_edges(struct graph *graph, uint32_t i, uint32_t j)
{
	const struct graph_edge *a = graph_edge(graph, i);
	const struct graph_edge *b = graph_edge(graph, j);
	int c = a->weight != b->weight ? compare_values(a->weight, b->weight)
				       : 0;

	if (!c)
		c = strcmp(graph_name(graph, graph_node(graph, a->from)),
			   graph_name(graph, graph_node(graph, b->from)));
	if (!c)
		c = strcmp(graph_name(graph, graph_node(graph, a->to)),
			   graph_name(graph, graph_node(graph, b->to)));
	return c ? c : (i > j) - (i < j);
}

static int compare_edges(const void *p, const void *q, void *arg)
{
	return graph_compare_edges(arg, *(const uint32_t *)p,
				   *(const uint32_t *)q);
}

static void place_edges(struct graph *graph)
{
	uint32_t in = 0, out = 0;

	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);

		node->first_in = in;
		node->first_out = out;
		in += node->n_in;
		out += node->n_out;
		node->n_in = node->n_out = 0;
	}
	for (size_t i = 0; i < graph->edges.n; i++) {
		const struct graph_edge *edge = graph_edge(graph, i);
		struct graph_node *from = graph_node(graph, edge->from);
		struct graph_node *to = graph_node(graph, edge->to);

		if (edge->is_dropped)
			continue;
		graph->out[from->first_out + from->n_out++] = (uint32_t)i;
		graph->in[to->first_in + to->n_in++] = (uint32_t)i;
	}
}

void graph_link(struct graph *graph)
{
	free(graph->in);
	free(graph->out);
	graph->in = xcalloc(graph->edges.n, sizeof(uint32_t));
	graph->out = xcalloc(graph->edges.n, sizeof(uint32_t));
	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);

		node->n_in = node->n_out = 0;
	}
	for (size_t i = 0; i < graph->edges.n; i++) {
		const struct graph_edge *edge = graph_edge(graph, i);

		graph_node(graph, edge->from)->n_out += !edge->is_dropped;
		graph_node(graph, edge->to)->n_in += !edge->is_dropped;
	}
	place_edges(graph);
	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);

		if (node->n_in > 1)
			qsort_r(graph->in + node->first_in, node->n_in,
				sizeof(uint32_t), compare_edges, graph);
		if (node->n_out > 1)
			qsort_r(graph->out + node->first_out, node->n_out,
				sizeof(uint32_t), compare_edges, graph);
	}
}
