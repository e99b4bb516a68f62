/* SPDX-License-Identifier: MIT */
/*
 * graph.h - samples summed up into nodes and the calls between them.
 *
 * graph_new() makes the nodes, graph_fill() sums the samples into those that
 * are kept, as often as wanted: after nodes were dropped, the calls over them
 * become direct ones ("residual"). What a node counts once per sample, it
 * counts once however often it is on the stack.
 */
#ifndef REPORT_GRAPH_H
#define REPORT_GRAPH_H

#include "report/names.h"
#include "report/wrap.h"

struct graph_options {
	size_t type;	      /* of the values that are summed */
	bool is_mean;	      /* divide by values of type 0 */
	bool has_objects;     /* nodes of different mappings stay apart */
	bool drop_negative;
	bool is_tree; /* a node for each way from the root to it */
};

struct graph_node {
	struct node_info info;
	int64_t flat, flat_div, cum, cum_div;
	const char *name; /* see graph_name() */
	uint32_t parent;  /* of a tree; NO_ID: none */
	uint32_t seen;
	uint32_t first_in, n_in, first_out, n_out; /* see graph_link() */
	bool is_kept;	/* takes part in graph_fill() */
	bool is_listed; /* shown: kept, and not zero */
};

struct graph_edge {
	uint32_t from, to;
	uint32_t seen;
	bool is_residual; /* in one stack at least */
	bool is_inlined;  /* in all stacks */
	bool is_dropped;
	int64_t weight, weight_div;
};

struct graph {
	const struct pp *pp;
	struct graph_options options;
	struct intern infos; /* struct node_info; ids are node ids */
	struct vec nodes;    /* struct graph_node */
	struct vec edges;    /* struct graph_edge */
	struct map edge_index; /* from << 32 | to */
	uint32_t *line_nodes;  /* node of each line */
	uint32_t *location_nodes; /* of locations without lines */
	struct map children; /* of a tree, see graph_child() */
	struct vec order;	  /* uint32_t: listed nodes, sorted */
	uint32_t *in, *out;	  /* edges by node, heaviest first */
	struct arena names;
};

struct stack_weight { /* of all samples of a stack */
	int64_t value, divisor;
	bool is_used; /* any sample counts */
};

/* @pp must outlive the graph; all nodes are kept. */
struct graph *graph_new(struct pp *pp, const struct graph_options *options);
void graph_free(struct graph *graph);
DEFINE_CLEANUP(graph_free, struct graph *)

/* The weight of each stack; the caller frees them. */
struct stack_weight *graph_weigh_stacks(const struct graph *graph);

/*
 * In a tree, the node for @node called by @parent (NO_ID at the root), which
 * is one of a tree, or NO_ID if there is none yet; else @node itself.
 */
static inline uint32_t graph_child(const struct graph *graph, uint32_t parent,
				   uint32_t node)
{
	uint64_t key = (uint64_t)parent << 32 | node;

	return graph->options.is_tree ? map_get(&graph->children, key) : node;
}

/* The node of @location's physical function. */
static inline uint32_t graph_physical_node(const struct graph *graph,
					   size_t location)
{
	const struct pp_location *l = vec_at(&graph->pp->locations, location);

	return l->n_lines ? graph->line_nodes[l->first_line + l->n_lines - 1] :
			    graph->location_nodes[location];
}

/* Sum the samples into the kept nodes, and list them in order of their ids. */
void graph_fill(struct graph *graph);

static inline struct graph_node *graph_node(const struct graph *graph,
					    size_t id)
{
	return vec_at(&graph->nodes, id);
}

/* The @i-th node that is listed. */
static inline struct graph_node *graph_listed(const struct graph *graph,
					      size_t i)
{
	return graph_node(graph, *(uint32_t *)vec_at(&graph->order, i));
}

static inline struct graph_edge *graph_edge(const struct graph *graph,
					    size_t id)
{
	return vec_at(&graph->edges, id);
}

static inline int64_t graph_flat(const struct graph_node *node)
{
	return node->flat_div ? wrap_div(node->flat, node->flat_div) :
				node->flat;
}

static inline int64_t graph_cum(const struct graph_node *node)
{
	return node->cum_div ? wrap_div(node->cum, node->cum_div) : node->cum;
}

/* The printable name, made when first asked for. */
const char *graph_name(struct graph *graph, struct graph_node *node);

/* Keep only listed nodes with |cum| >= @cutoff: how many were dropped. */
size_t graph_keep_heavy(struct graph *graph, int64_t cutoff);

/* Keep only the first @n listed nodes; were there more? */
bool graph_keep_first(struct graph *graph, size_t n);

/* Drop calls of |weight| < @cutoff to listed nodes: how many. */
size_t graph_drop_light_edges(struct graph *graph, int64_t cutoff);

/* Sort what is listed by |flat|, or by |cum|, then by name. */
void graph_sort(struct graph *graph, bool by_cum);

/* Which of two edges is heavier, then whose ends have the lesser names? */
int graph_compare_edges(struct graph *graph, uint32_t i, uint32_t j);

/* Fill in and out of all nodes with the edges that are not dropped. */
void graph_link(struct graph *graph);

#endif
