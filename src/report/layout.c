/* SPDX-License-Identifier: MIT */
/*
 * layout.c - ranks of nodes, and edges cut into links between them.
 *
 * Calls in a circle are broken where a walk from the callers comes back.
 */
#include "report/layout.h"

#include "report/simplex.h"

#define LABEL_GAP 4.0 /* between an edge and its label */
#define POINT_WIDTH 5.0 /* to both sides of an edge */
#define WORK_MAX 10000000  /* of the simplex */
#define POINTS_MAX 100000  /* boxes, and where edges pass ranks */

/* --- no circles ---------------------------------------------------------- */

struct walk { /* depth first */
	struct picture *picture;
	struct layout_ids out; /* edges by node */
	unsigned char *state;  /* by node: 0 new, 1 on the way, 2 done */
	uint32_t *stack, *next;
};

static bool is_loop(const struct picture_edge *edge)
{
	return edge->from == edge->to;
}

static void walk_from(struct walk *walk, uint32_t node)
{
	size_t depth = 0;

	if (walk->state[node])
		return;
	walk->state[node] = 1;
	walk->stack[depth++] = node;
	while (depth) {
		uint32_t at = walk->stack[depth - 1];
		struct picture_edge *edge;

		if (walk->next[at] == walk->out.first[at + 1]) {
			walk->state[at] = 2;
			depth--;
			continue;
		}
		edge = picture_edge(walk->picture,
				    walk->out.ids[walk->next[at]++]);
		edge->is_reversed = walk->state[edge->to] == 1;
		if (!walk->state[edge->to]) {
			walk->state[edge->to] = 1;
			walk->stack[depth++] = edge->to;
		}
	}
}

/* The edges that leave each node. */
static struct layout_ids list_edges(const struct picture *picture)
{
	struct layout_ids out = {
		xcalloc(picture->nodes.n + 2, sizeof(uint32_t)),
		xcalloc(picture->edges.n + 1, sizeof(uint32_t)),
	};

	for (size_t i = 0; i < picture->edges.n; i++)
		out.first[picture_edge(picture, i)->from + 2]++;
	for (size_t i = 0; i < picture->nodes.n; i++)
		out.first[i + 2] += out.first[i + 1];
	for (size_t i = 0; i < picture->edges.n; i++)
		out.ids[out.first[picture_edge(picture, i)->from + 1]++] =
			(uint32_t)i;
	return out;
}

/* Callers that nobody calls first, then as the picture has the nodes. */
static void break_circles(struct picture *picture)
{
	size_t n = picture->nodes.n;
	CLEANUP(free) unsigned char *state = xcalloc(n + 1, 1);
	CLEANUP(free) uint32_t *ids = xcalloc(2 * n + 2, sizeof(*ids));
	CLEANUP(free) bool *is_called = xcalloc(n + 1, sizeof(*is_called));
	struct walk walk = { picture, list_edges(picture), state, ids,
			     ids + n + 1 };

	memcpy(walk.next, walk.out.first, n * sizeof(*walk.next));
	for (size_t i = 0; i < picture->edges.n; i++)
		if (!is_loop(picture_edge(picture, i)))
			is_called[picture_edge(picture, i)->to] = true;
	for (uint32_t i = 0; i < n; i++)
		if (!is_called[i])
			walk_from(&walk, i);
	for (uint32_t i = 0; i < n; i++)
		walk_from(&walk, i);
	free(walk.out.first);
	free(walk.out.ids);
}

/* --- ranks ---------------------------------------------------------------- */

/* Ranks of all nodes; one more node holds together what is not connected. */
static int32_t *rank_nodes(const struct picture *picture)
{
	size_t n = picture->nodes.n, n_edges = 0;
	CLEANUP(free) struct simplex_edge *edges =
		xcalloc(picture->edges.n + n, sizeof(*edges));
	int32_t *ranks = xcalloc(n + 1, sizeof(*ranks));
	struct simplex simplex = { n + 1, 0, edges, ranks };

	for (size_t i = 0; i < picture->edges.n; i++) {
		const struct picture_edge *e = picture_edge(picture, i);
		uint32_t from = e->is_reversed ? e->to : e->from;
		uint32_t to = e->is_reversed ? e->from : e->to;

		if (!is_loop(e))
			edges[n_edges++] = (struct simplex_edge){
				from, to, e->weight, 2 * e->min_length,
			};
	}
	for (uint32_t i = 0; i < n; i++)
		edges[n_edges++] = (struct simplex_edge){ (uint32_t)n, i, 0,
							  0 };
	simplex.n_edges = n_edges;
	simplex_solve(&simplex, WORK_MAX);
	return ranks;
}

static uint32_t add_box(struct layout *layout, uint32_t node, int32_t rank)
{
	const struct picture_node *box = picture_node(layout->picture, node);
	struct layout_point *point = vec_push(&layout->points);

	point->node = node;
	point->edge = NO_ID;
	point->left = point->right = box->width / 2;
	point->height = box->height;
	point->rank = rank;
	return (uint32_t)layout->points.n - 1;
}

/* Where @edge passes @rank, with its label if it is there. */
static uint32_t add_passage(struct layout *layout, uint32_t edge,
			    int32_t rank, bool has_label)
{
	const struct picture_edge *e = picture_edge(layout->picture, edge);
	struct layout_point *point = vec_push(&layout->points);

	point->node = NO_ID;
	point->edge = edge;
	point->left = point->right = POINT_WIDTH + e->pen / 2;
	if (has_label) {
		point->right += LABEL_GAP + e->text.width;
		point->height = e->text.height;
	}
	point->rank = rank;
	return (uint32_t)layout->points.n - 1;
}

static void add_link(struct layout *layout, uint32_t from, uint32_t to,
		     uint32_t edge)
{
	*(struct layout_link *)vec_push(&layout->links) =
		(struct layout_link){
			from, to, edge,
			picture_edge(layout->picture, edge)->weight,
		};
}

static void cut_edge(struct layout *layout, uint32_t edge)
{
	const struct picture_edge *e = picture_edge(layout->picture, edge);
	uint32_t at = layout->point_of[e->is_reversed ? e->to : e->from];
	uint32_t end = layout->point_of[e->is_reversed ? e->from : e->to];
	int32_t first, last, middle;

	layout->first_link[edge] = NO_ID;
	if (is_loop(e) || at == NO_ID || end == NO_ID)
		return;
	first = layout_point(layout, at)->rank;
	last = layout_point(layout, end)->rank;
	middle = (first + last) / 2;
	layout->first_link[edge] = (uint32_t)layout->links.n;
	for (int32_t rank = first + 1; rank < last; rank++) {
		uint32_t next = add_passage(layout, edge, rank,
					    rank == middle);

		add_link(layout, at, next, edge);
		at = next;
	}
	add_link(layout, at, end, edge);
	layout->n_links[edge] = (uint32_t)(last - first);
}

/* Links by one of their ends. */
static struct layout_ids list_links(const struct layout *layout, bool is_out)
{
	size_t n = layout->points.n;
	struct layout_ids list = {
		xcalloc(n + 2, sizeof(uint32_t)),
		xcalloc(layout->links.n + 1, sizeof(uint32_t)),
	};

	for (size_t i = 0; i < layout->links.n; i++) {
		const struct layout_link *l = layout_link(layout, i);

		list.first[(is_out ? l->from : l->to) + 2]++;
	}
	for (size_t i = 0; i < n; i++)
		list.first[i + 2] += list.first[i + 1];
	for (size_t i = 0; i < layout->links.n; i++) {
		const struct layout_link *l = layout_link(layout, i);

		list.ids[list.first[(is_out ? l->from : l->to) + 1]++] =
			(uint32_t)i;
	}
	return list;
}

static void fill_ranks(struct layout *layout)
{
	layout->n_ranks = 0;
	for (size_t i = 0; i < layout->points.n; i++) {
		size_t rank = (size_t)layout_point(layout, i)->rank;

		layout->n_ranks = rank + 1 > layout->n_ranks ?
					  rank + 1 : layout->n_ranks;
	}
	layout->ranks = xcalloc(layout->n_ranks + 1, sizeof(*layout->ranks));
	for (size_t i = 0; i < layout->points.n; i++)
		layout->ranks[layout_point(layout, i)->rank].n++;
	for (size_t i = 0; i < layout->n_ranks; i++) {
		layout->ranks[i].points = xcalloc(layout->ranks[i].n + 1,
						  sizeof(uint32_t));
		layout->ranks[i].n = 0;
	}
	for (size_t i = 0; i < layout->points.n; i++) {
		struct layout_point *point = layout_point(layout, i);
		struct layout_rank *rank = &layout->ranks[point->rank];

		point->order = rank->n;
		rank->points[rank->n++] = (uint32_t)i;
	}
}

/* How many points there will be at most. */
static size_t count_points(const struct picture *picture, const int32_t *ranks)
{
	size_t n = picture->nodes.n;

	for (uint32_t i = 0; i < picture->edges.n; i++) {
		const struct picture_edge *e = picture_edge(picture, i);

		n += (size_t)abs(ranks[e->to] - ranks[e->from]);
	}
	return n;
}

static struct error *cut_edges(struct layout *layout)
{
	struct picture *picture = layout->picture;
	CLEANUP(free) int32_t *ranks = rank_nodes(picture);
	int32_t least = INT32_MAX;

	if (count_points(picture, ranks) > POINTS_MAX)
		return error_hint(error_new("the graph is too large to be "
					    "drawn without dot"),
				  "try:   --nodecount=80, or apt-get install "
				  "graphviz");

	for (uint32_t i = 0; i < picture->nodes.n; i++)
		if (!picture_node(picture, i)->is_legend && ranks[i] < least)
			least = ranks[i];
	for (uint32_t i = 0; i < picture->nodes.n; i++)
		layout->point_of[i] =
			picture_node(picture, i)->is_legend ? NO_ID :
			add_box(layout, i, ranks[i] - least);
	for (uint32_t i = 0; i < picture->edges.n; i++)
		cut_edge(layout, i);
	layout->out = list_links(layout, true);
	layout->in = list_links(layout, false);
	fill_ranks(layout);
	return NULL;
}

static void layout_clear(struct layout *layout)
{
	vec_clear(&layout->points);
	vec_clear(&layout->links);
	free(layout->in.first);
	free(layout->in.ids);
	free(layout->out.first);
	free(layout->out.ids);
	free(layout->point_of);
	free(layout->first_link);
	free(layout->n_links);
	for (size_t i = 0; i < layout->n_ranks; i++)
		free(layout->ranks[i].points);
	free(layout->ranks);
}

struct error *picture_lay_out(struct picture *picture)
{
	struct layout layout = {
		.picture = picture,
		.points = VEC_OF(struct layout_point),
		.links = VEC_OF(struct layout_link),
		.point_of = xcalloc(picture->nodes.n + 1, sizeof(uint32_t)),
		.first_link = xcalloc(picture->edges.n + 1,
				      sizeof(uint32_t)),
		.n_links = xcalloc(picture->edges.n + 1, sizeof(uint32_t)),
	};
	struct error *error;

	break_circles(picture);
	error = cut_edges(&layout);
	if (!error) {
		layout_order(&layout);
		layout_place(&layout);
		layout_route(&layout);
	}
	layout_clear(&layout);
	return error;
}
