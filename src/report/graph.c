/* SPDX-License-Identifier: MIT */
/*
 * graph.c - sum samples into nodes and edges.
 *
 * Samples of one stack are added up first, so that every distinct stack is
 * walked once per graph_fill(); all that pprof does per sample is a sum, but
 * that samples without value do not count.
 */
#include "report/graph.h"

static uint32_t graph_add_node(struct graph *graph,
			       const struct node_info *info)
{
	uint32_t id = intern_bytes(&graph->infos, info, sizeof(*info));

	if (id == graph->nodes.n) {
		struct graph_node *node = vec_push(&graph->nodes);

		node->info = *info;
		node->parent = NO_ID;
		node->is_kept = true;
	}
	return id;
}

static string_id clean_file(struct pp *pp, string_id file, struct map *cleaned)
{
	CLEANUP(strbuf_clear) struct strbuf path = { 0 };
	uint32_t known = map_get(cleaned, file);

	if (!file || known != NO_ID)
		return file ? known : 0;
	path_add_clean(&path, pp_text(pp, file));
	known = pp_string(pp, path.data);
	map_put(cleaned, file, known);
	return known;
}

static struct node_info line_info(struct pp *pp,
				  const struct pp_location *location,
				  const struct pp_line *line,
				  bool has_objects)
{
	const struct pp_function *f = vec_at(&pp->functions, line->function);
	struct node_info info = {
		.address = location->address,
		.line = line->line,
		.column = line->column,
		.name = f->name,
		.file = f->filename,
	};

	if (has_objects || !f->name) {
		if (location->mapping != NO_ID)
			info.object = ((struct pp_mapping *)vec_at(
					       &pp->mappings,
					       location->mapping))->file;
		info.start_line = f->start_line;
	}
	return info;
}

static void graph_add_location(struct graph *graph, struct pp *pp, size_t id,
			       struct map *cleaned)
{
	const struct pp_location *location = vec_at(&pp->locations, id);
	struct node_info info = { .address = location->address };

	graph->location_nodes[id] = NO_ID;
	for (uint32_t i = 0; i < location->n_lines; i++) {
		uint32_t at = location->first_line + i;

		info = line_info(pp, location, vec_at(&pp->lines, at),
				 graph->options.has_objects);
		info.file = clean_file(pp, info.file, cleaned);
		graph->line_nodes[at] = graph_add_node(graph, &info);
	}
	if (location->n_lines)
		return;
	if (location->mapping != NO_ID)
		info.object = ((struct pp_mapping *)vec_at(
				       &pp->mappings,
				       location->mapping))->file;
	graph->location_nodes[id] = graph_add_node(graph, &info);
}

struct graph *graph_new(struct pp *pp, const struct graph_options *options)
{
	struct graph *graph = xcalloc(1, sizeof(*graph));
	struct map cleaned = { 0 };

	graph->pp = pp;
	graph->options = *options;
	graph->nodes = VEC_OF(struct graph_node);
	graph->edges = VEC_OF(struct graph_edge);
	graph->order = VEC_OF(uint32_t);
	intern_init(&graph->infos);
	graph->line_nodes = xcalloc(pp->lines.n, sizeof(uint32_t));
	graph->location_nodes = xcalloc(pp->locations.n, sizeof(uint32_t));
	for (size_t i = 0; i < pp->locations.n; i++)
		graph_add_location(graph, pp, i, &cleaned);
	map_clear(&cleaned);
	return graph;
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	intern_clear(&graph->infos);
	vec_clear(&graph->nodes);
	vec_clear(&graph->edges);
	vec_clear(&graph->order);
	map_clear(&graph->edge_index);
	map_clear(&graph->children);
	arena_clear(&graph->names);
	free(graph->line_nodes);
	free(graph->location_nodes);
	free(graph->in);
	free(graph->out);
	free(graph);
}

struct stack_weight *graph_weigh_stacks(const struct graph *graph)
{
	const struct pp *pp = graph->pp;
	struct stack_weight *weights = xcalloc(pp->stacks.n, sizeof(*weights));

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const int64_t *values = pp_values(pp, sample);
		struct stack_weight *weight = &weights[sample->stack];
		int64_t value = values[graph->options.type];
		int64_t divisor = graph->options.is_mean ? values[0] : 0;

		if (!value && !divisor)
			continue;
		weight->value = wrap_add(weight->value, value);
		weight->divisor = wrap_add(weight->divisor, divisor);
		weight->is_used = true;
	}
	return weights;
}

/* Where the walk over one stack is. */
struct graph_walk {
	struct graph *graph;
	const struct stack_weight *weight;
	uint32_t stamp;	 /* of this stack */
	uint32_t parent; /* NO_ID: none yet */
	uint32_t path;	 /* in a tree: the node before, kept or not */
	bool is_residual;
	bool is_run_inlined; /* all nodes left out since the parent */
};

/* The child of the walk's path; in a tree it is made if it is new. */
static uint32_t walk_child(struct graph_walk *walk, uint32_t node)
{
	struct graph *graph = walk->graph;
	uint32_t id = graph_child(graph, walk->path, node);
	struct graph_node *child;

	if (id == NO_ID) {
		id = (uint32_t)graph->nodes.n;
		map_put(&graph->children, (uint64_t)walk->path << 32 | node,
			id);
		child = vec_push(&graph->nodes);
		child->info = graph_node(graph, node)->info;
		child->parent = walk->path;
		child->is_kept = true;
	}
	walk->path = id;
	return id;
}

static void walk_call(struct graph_walk *walk, uint32_t to, bool is_inlined)
{
	struct graph *graph = walk->graph;
	uint64_t key = (uint64_t)walk->parent << 32 | to;
	uint32_t id = map_get(&graph->edge_index, key);
	struct graph_edge *edge;

	if (id == NO_ID) {
		id = (uint32_t)graph->edges.n;
		map_put(&graph->edge_index, key, id);
		edge = vec_push(&graph->edges);
		edge->from = walk->parent;
		edge->to = to;
		edge->is_inlined = true;
	}
	edge = graph_edge(graph, id);
	if (edge->seen == walk->stamp)
		return;
	edge->seen = walk->stamp;
	edge->weight = wrap_add(edge->weight, walk->weight->value);
	edge->weight_div = wrap_add(edge->weight_div, walk->weight->divisor);
	edge->is_residual |= walk->is_residual;
	edge->is_inlined &= is_inlined;
}

static void walk_node(struct graph_walk *walk, uint32_t at, bool is_inlined)
{
	uint32_t id = walk_child(walk, at);
	struct graph_node *node = graph_node(walk->graph, id);

	if (!node->is_kept) {
		walk->is_residual = true;
		walk->is_run_inlined &= is_inlined;
		return;
	}
	/* In a tree, pprof asks what was left out as well. */
	if (walk->graph->options.is_tree)
		is_inlined &= walk->is_run_inlined;
	if (node->seen != walk->stamp) {
		node->seen = walk->stamp;
		node->cum = wrap_add(node->cum, walk->weight->value);
		node->cum_div = wrap_add(node->cum_div,
					 walk->weight->divisor);
	}
	if (walk->parent != NO_ID && walk->parent != id)
		walk_call(walk, id, is_inlined);
	walk->parent = id;
	walk->is_residual = false;
	walk->is_run_inlined = true;
}

static void walk_stack(struct graph *graph, const struct pp_stack *stack,
		       const struct stack_weight *weight, uint32_t stamp)
{
	struct graph_walk walk = { .graph = graph, .weight = weight,
				   .stamp = stamp, .parent = NO_ID,
				   .path = NO_ID, .is_run_inlined = true };
	struct graph_node *leaf;

	for (uint32_t i = stack->n; i; i--) {
		const struct pp_location *location =
			vec_at(&graph->pp->locations, stack->frames[i - 1]);

		for (uint32_t j = location->n_lines; j; j--)
			walk_node(&walk,
				  graph->line_nodes[location->first_line + j -
						    1],
				  j != location->n_lines);
		if (!location->n_lines)
			walk_node(&walk,
				  graph->location_nodes[stack->frames[i - 1]],
				  false);
	}
	if (walk.parent == NO_ID || walk.is_residual)
		return;
	leaf = graph_node(graph, walk.parent);
	leaf->flat = wrap_add(leaf->flat, weight->value);
	leaf->flat_div = wrap_add(leaf->flat_div, weight->divisor);
}

static void graph_list_nodes(struct graph *graph)
{
	graph->order.n = 0;
	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);
		bool is_negative = node->flat < 0 ||
				   (!node->flat && node->cum < 0);

		node->is_listed = node->is_kept && (node->cum || node->flat);
		if (graph->options.drop_negative && is_negative)
			node->is_listed = false;
		if (node->is_listed)
			*(uint32_t *)vec_push(&graph->order) = (uint32_t)i;
	}
}

void graph_fill(struct graph *graph)
{
	const struct pp *pp = graph->pp;
	CLEANUP(free) struct stack_weight *weights =
		graph_weigh_stacks(graph);

	graph->edges.n = 0;
	map_reset(&graph->edge_index);
	for (size_t i = 0; i < graph->nodes.n; i++) {
		struct graph_node *node = graph_node(graph, i);

		node->flat = node->flat_div = node->cum = node->cum_div = 0;
		node->seen = 0;
	}
	for (size_t i = 0; i < pp->stacks.n; i++)
		if (weights[i].is_used)
			walk_stack(graph, vec_at(&pp->stacks, i), &weights[i],
				   (uint32_t)i + 1);
	graph_list_nodes(graph);
}

const char *graph_name(struct graph *graph, struct graph_node *node)
{
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };

	if (!node->name) {
		node_add_name(graph->pp, &node->info, &name);
		node->name = arena_copy(&graph->names, name.data, name.len);
	}
	return node->name;
}
