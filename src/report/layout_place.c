/* SPDX-License-Identifier: MIT */
/*
 * layout_place.c - coordinates of points.
 *
 * x: the simplex once more. For a link an extra node stands left of both its
 * ends, so that the sum of both distances, its own length aside, is how far
 * it leans; longer edges are kept straighter. y: ranks are bands, as high as
 * their highest box, with room between them where links lean.
 */
#include <math.h>

#include "report/layout.h"
#include "report/simplex.h"

#define GAP 14.0	/* between boxes of a rank */
#define POINT_GAP 6.0	/* beside an edge */
#define BAND_GAP 14.0	/* between ranks, at least */
#define BAND_GAP_MAX 70.0
#define LEAN 0.18	/* of the widest lean between two ranks */
#define MARGIN 8.0
#define WORK_MAX 60000000 /* of the simplex */

/* Straightness by how many of a link's ends are boxes. */
static const int64_t straightness[] = { 8, 2, 1 };

static int32_t distance(const struct layout_point *a,
			const struct layout_point *b)
{
	bool is_box = a->node != NO_ID && b->node != NO_ID;

	return (int32_t)ceil(a->right + b->left +
			     (is_box ? GAP : POINT_GAP));
}

static size_t add_orders(const struct layout *layout,
			 struct simplex_edge *edges)
{
	uint32_t root = (uint32_t)(layout->points.n + layout->links.n);
	size_t n = 0;

	for (size_t r = 0; r < layout->n_ranks; r++) {
		const struct layout_rank *rank = &layout->ranks[r];

		/* Holds together what is not connected. */
		if (rank->n)
			edges[n++] = (struct simplex_edge){
				root, rank->points[0], 0, 0,
			};
		for (uint32_t i = 1; i < rank->n; i++)
			edges[n++] = (struct simplex_edge){
				rank->points[i - 1], rank->points[i], 0,
				distance(layout_point(layout,
						      rank->points[i - 1]),
					 layout_point(layout,
						      rank->points[i])),
			};
	}
	return n;
}

static size_t add_leans(const struct layout *layout,
			struct simplex_edge *edges)
{
	size_t n = 0;

	for (uint32_t i = 0; i < layout->links.n; i++) {
		const struct layout_link *l = layout_link(layout, i);
		uint32_t extra = (uint32_t)layout->points.n + i;
		int n_boxes =
			(layout_point(layout, l->from)->node != NO_ID) +
			(layout_point(layout, l->to)->node != NO_ID);
		int64_t weight = l->weight * straightness[n_boxes];

		edges[n++] = (struct simplex_edge){ extra, l->from, weight,
						    0 };
		edges[n++] = (struct simplex_edge){ extra, l->to, weight, 0 };
	}
	return n;
}

static void place_across(struct layout *layout)
{
	size_t n = layout->points.n + layout->links.n + 1;
	CLEANUP(free) struct simplex_edge *edges =
		xcalloc(layout->points.n + 2 * layout->links.n + 1,
			sizeof(*edges));
	CLEANUP(free) int32_t *places = xcalloc(n, sizeof(*places));
	struct simplex simplex = { n, 0, edges, places };

	simplex.n_edges = add_orders(layout, edges);
	simplex.n_edges += add_leans(layout, edges + simplex.n_edges);
	simplex_solve(&simplex, WORK_MAX);
	for (size_t i = 0; i < layout->points.n; i++)
		layout_point(layout, i)->x = places[i];
}

/* From 0, with a margin. */
static void shift_across(struct layout *layout)
{
	double least = HUGE_VAL, most = 0;

	for (size_t i = 0; i < layout->points.n; i++) {
		const struct layout_point *p = layout_point(layout, i);

		least = fmin(least, p->x - p->left);
	}
	for (size_t i = 0; i < layout->points.n; i++) {
		struct layout_point *p = layout_point(layout, i);

		p->x += MARGIN - least;
		most = fmax(most, p->x + p->right);
	}
	layout->picture->width = most + MARGIN;
}

/* The widest lean of the links that leave a rank. */
static double lean_of(const struct layout *layout, size_t r)
{
	double widest = 0;

	for (uint32_t i = 0; i < layout->ranks[r].n; i++) {
		uint32_t point = layout->ranks[r].points[i];

		for (uint32_t j = layout->out.first[point];
		     j < layout->out.first[point + 1]; j++) {
			const struct layout_link *l =
				layout_link(layout, layout->out.ids[j]);

			widest = fmax(widest,
				      fabs(layout_point(layout, l->to)->x -
					   layout_point(layout,
							l->from)->x));
		}
	}
	return widest;
}

static void place_bands(struct layout *layout)
{
	double y = MARGIN;

	for (size_t r = 0; r < layout->n_ranks; r++) {
		struct layout_rank *rank = &layout->ranks[r];
		double height = 0;

		for (uint32_t i = 0; i < rank->n; i++)
			height = fmax(height,
				      layout_point(layout, rank->points[i])
					      ->height);
		rank->top = y;
		rank->bottom = y + height;
		/* An arrow takes its part of every other gap. */
		y = rank->bottom + (r % 2 ? PICTURE_ARROW : 0) +
		    fmin(BAND_GAP_MAX, BAND_GAP + LEAN * lean_of(layout, r));
	}
}

static struct picture_node *find_legend(const struct layout *layout)
{
	for (size_t i = 0; i < layout->picture->nodes.n; i++) {
		struct picture_node *node = picture_node(layout->picture, i);

		if (node->is_legend)
			return node;
	}
	return NULL;
}

/* The legend stands at the left on top; what is below it moves down. */
static void place_legend(struct layout *layout)
{
	struct picture_node *legend = find_legend(layout);
	double below = HUGE_VAL, by;

	if (!legend)
		return;
	legend->x = MARGIN + legend->width / 2;
	legend->y = MARGIN + legend->height / 2;
	layout->picture->width = fmax(layout->picture->width,
				      legend->width + 2 * MARGIN);
	for (size_t i = 0; i < layout->points.n; i++) {
		const struct layout_point *p = layout_point(layout, i);

		/* Curves may lean over a rank more. */
		if (p->x - p->left < legend->width + 2 * MARGIN)
			below = fmin(below,
				     layout->ranks[p->rank ? p->rank - 1 : 0]
					     .top);
	}
	by = fmax(0, legend->height + 2 * MARGIN - below);
	for (size_t r = 0; r < layout->n_ranks; r++) {
		layout->ranks[r].top += by;
		layout->ranks[r].bottom += by;
	}
	layout->picture->height = legend->height + 2 * MARGIN;
}

void layout_place(struct layout *layout)
{
	struct picture *picture = layout->picture;

	place_across(layout);
	shift_across(layout);
	place_bands(layout);
	place_legend(layout);
	if (layout->n_ranks)
		picture->height = fmax(
			picture->height,
			layout->ranks[layout->n_ranks - 1].bottom + MARGIN);
	for (size_t i = 0; i < layout->points.n; i++) {
		const struct layout_point *p = layout_point(layout, i);
		const struct layout_rank *rank = &layout->ranks[p->rank];
		struct picture_node *node;

		if (p->node == NO_ID)
			continue;
		node = picture_node(picture, p->node);
		node->x = p->x;
		node->y = (rank->top + rank->bottom) / 2;
	}
}
