/* SPDX-License-Identifier: MIT */
/*
 * picture_check.h - what must not be in a drawing: boxes over boxes, and edges
 * through them.
 */
#ifndef TESTS_UNIT_PICTURE_CHECK_H
#define TESTS_UNIT_PICTURE_CHECK_H

#include <math.h>

#include "report/picture.h"

static inline bool overlaps(const struct picture_node *a,
		     const struct picture_node *b)
{
	return fabs(a->x - b->x) < (a->width + b->width) / 2 &&
	       fabs(a->y - b->y) < (a->height + b->height) / 2;
}

static inline bool holds(const struct picture_node *node, struct point p)
{
	return fabs(p.x - node->x) < node->width / 2 &&
	       fabs(p.y - node->y) < node->height / 2;
}

static inline struct point curve_at(const struct point *p, double t)
{
	double a = (1 - t) * (1 - t) * (1 - t), b = 3 * t * (1 - t) * (1 - t);
	double c = 3 * t * t * (1 - t), d = t * t * t;

	return (struct point){
		a * p[0].x + b * p[1].x + c * p[2].x + d * p[3].x,
		a * p[0].y + b * p[1].y + c * p[2].y + d * p[3].y,
	};
}

static inline int count_overlaps(const struct picture *picture)
{
	int n = 0;

	for (size_t i = 0; i < picture->nodes.n; i++)
		for (size_t j = 0; j < i; j++)
			n += overlaps(picture_node(picture, i),
				      picture_node(picture, j));
	return n;
}

/* How many edges have a point in a box that is not at their ends? */
static inline int count_through(const struct picture *picture)
{
	int n = 0;

	for (size_t i = 0; i < picture->edges.n; i++) {
		const struct picture_edge *e = picture_edge(picture, i);
		const struct point *points = e->points.data;

		for (size_t j = 0; j + 3 < e->points.n; j += 3)
			for (int k = 0; k <= 16; k++)
				for (uint32_t b = 0; b < picture->nodes.n;
				     b++)
					n += b != e->from && b != e->to &&
					     holds(picture_node(picture, b),
						   curve_at(points + j,
							    k / 16.0));
	}
	return n;
}

#endif
