/* SPDX-License-Identifier: MIT */
/*
 * graph_visual.c - which nodes and calls make a good picture.
 *
 * The order is pprof's entropy order: a node counts for more than its cum
 * when its callers, or its callees, share the weight evenly, and for less
 * when it only passes it on.
 */
#include "report/graph_visual.h"

#include <math.h>

#define NODELETS_MAX 4

static double log2_of(double x)
{
	int exponent;
	double fraction = frexp(x, &exponent);

	if (fraction == 0.5)
		return exponent - 1;
	return log(fraction) * (1 / M_LN2) + exponent;
}

/* -sum(p * log2(p)) over calls, and the node's own weight. */
static double edge_entropy(const struct graph *graph, const uint32_t *edges,
			   uint32_t n, int64_t self)
{
	int64_t total = self;
	double entropy = 0;

	for (uint32_t i = 0; i < n; i++) {
		int64_t weight = graph_edge(graph, edges[i])->weight;

		if (weight > 0)
			total = wrap_add(total, weight);
	}
	if (!total)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		double p = (double)wrap_abs(
				   graph_edge(graph, edges[i])->weight) /
			   (double)total;

		entropy += -p * log2_of(p);
	}
	if (self > 0) {
		double p = (double)self / (double)total;

		entropy += -p * log2_of(p);
	}
	return entropy;
}

static int64_t entropy_score(const struct graph *graph,
			     const struct graph_node *node)
{
	double score = 0;

	score += node->n_in ? edge_entropy(graph, graph->in + node->first_in,
					   node->n_in, 0) : 1;
	score += node->n_out ?
			 edge_entropy(graph, graph->out + node->first_out,
				      node->n_out, node->flat) : 1;
	return wrap_add(int64_of_double(score * (double)node->cum),
			node->flat);
}

struct scores {
	struct graph *graph;
	int64_t *of_nodes;
};

static int compare_scores(const void *p, const void *q, void *arg)
{
	const struct scores *scores = arg;
	uint32_t i = *(const uint32_t *)p, j = *(const uint32_t *)q;
	struct graph_node *a = graph_node(scores->graph, i);
	struct graph_node *b = graph_node(scores->graph, j);
	int64_t x = wrap_abs(scores->of_nodes[i]);
	int64_t y = wrap_abs(scores->of_nodes[j]);
	int c = (x < y) - (x > y);

	if (!c)
		c = strcmp(graph_name(scores->graph, a),
			   graph_name(scores->graph, b));
	if (!c) {
		x = wrap_abs(a->flat);
		y = wrap_abs(b->flat);
		c = (x < y) - (x > y);
	}
	return c ? c : (i > j) - (i < j);
}

void graph_sort_by_entropy(struct graph *graph)
{
	CLEANUP(free) int64_t *values = xcalloc(graph->nodes.n,
						sizeof(*values));
	struct scores scores = { graph, values };

	graph_link(graph);
	for (size_t i = 0; i < graph->nodes.n; i++)
		values[i] = entropy_score(graph, graph_node(graph, i));
	if (graph->order.n)
		qsort_r(graph->order.data, graph->order.n, sizeof(uint32_t),
			compare_scores, &scores);
}

size_t graph_count_visible(const struct graph *graph,
			   const struct graph_tags *tags, size_t max)
{
	size_t boxes = 0;

	for (size_t i = 0; i < graph->order.n; i++) {
		uint32_t id = *(uint32_t *)vec_at(&graph->order, i);
		size_t n = graph_tags_count(tags, id);

		boxes += 1 + (n < NODELETS_MAX ? n : NODELETS_MAX);
		if (boxes >= max)
			return i + 1;
	}
	return max;
}

/* Does any way lead from the caller of @edge to its callee without it? */
static bool is_redundant(const struct graph *graph, uint32_t edge,
			 uint32_t *queue, uint32_t *seen, uint32_t stamp)
{
	const struct graph_edge *e = graph_edge(graph, edge);
	size_t head = 0, tail = 0;

	queue[tail++] = e->to;
	seen[e->to] = stamp;
	while (head < tail) {
		const struct graph_node *node =
			graph_node(graph, queue[head++]);

		for (uint32_t i = 0; i < node->n_in; i++) {
			uint32_t id = graph->in[node->first_in + i];
			const struct graph_edge *in = graph_edge(graph, id);

			if (id == edge || in->is_dropped ||
			    seen[in->from] == stamp)
				continue;
			if (in->from == e->from)
				return true;
			seen[in->from] = stamp;
			queue[tail++] = in->from;
		}
	}
	return false;
}

void graph_drop_redundant_edges(struct graph *graph)
{
	CLEANUP(free) uint32_t *queue = xcalloc(graph->nodes.n,
						sizeof(*queue));
	CLEANUP(free) uint32_t *seen = xcalloc(graph->nodes.n,
					       sizeof(*seen));
	uint32_t stamp = 0;

	graph_link(graph);
	for (size_t i = graph->order.n; i; i--) {
		const struct graph_node *node = graph_listed(graph, i - 1);

		/* The lightest first, and none that is heavier than a call
		 * without nodes left out between. */
		for (uint32_t j = node->n_in; j; j--) {
			uint32_t id = graph->in[node->first_in + j - 1];
			struct graph_edge *edge = graph_edge(graph, id);

			if (!edge->is_residual)
				break;
			if (is_redundant(graph, id, queue, seen, ++stamp))
				edge->is_dropped = true;
		}
	}
}
