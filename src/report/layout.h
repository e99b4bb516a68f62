/* SPDX-License-Identifier: MIT */
/*
 * layout.h - what the stages of a layered drawing share.
 *
 * layout.c gives nodes ranks, and cuts edges into links between neighbouring
 * ranks, with a point wherever one passes a rank; a label stands at such a
 * point, for which there is a rank between any two of boxes. layout_order.c
 * orders each rank so that few links cross, layout_place.c gives coordinates.
 */
#ifndef REPORT_LAYOUT_H
#define REPORT_LAYOUT_H

#include "report/picture.h"

struct layout_point { /* a box, or where an edge passes a rank */
	uint32_t node; /* of the picture; NO_ID: no box */
	uint32_t edge; /* of the picture, if it is no box */
	double left, right, height; /* of x what is taken to both sides */
	double x;
	int32_t rank;
	uint32_t order; /* within the rank */
};

struct layout_link { /* from a rank to the next */
	uint32_t from, to;
	uint32_t edge;
	int64_t weight;
};

struct layout_ids { /* ids by something, one after the other */
	uint32_t *first; /* one more than there are of it */
	uint32_t *ids;
};

struct layout_rank {
	uint32_t *points; /* in order */
	uint32_t n;
	double top, bottom;
};

struct layout {
	struct picture *picture;
	struct vec points; /* struct layout_point */
	struct vec links;  /* struct layout_link */
	struct layout_ids in, out; /* links by point */
	uint32_t *point_of; /* by node of the picture; NO_ID: the legend */
	uint32_t *first_link; /* by edge; its others follow. NO_ID: none */
	uint32_t *n_links;    /* by edge */
	struct layout_rank *ranks;
	size_t n_ranks;
};

static inline struct layout_point *layout_point(const struct layout *layout,
						size_t i)
{
	return vec_at(&layout->points, i);
}

static inline struct layout_link *layout_link(const struct layout *layout,
					      size_t i)
{
	return vec_at(&layout->links, i);
}

void layout_order(struct layout *layout);
void layout_place(struct layout *layout);

/* layout_route.c: the curves of edges, once all points have their places. */
void layout_route(struct layout *layout);

#endif
