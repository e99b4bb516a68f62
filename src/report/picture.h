/* SPDX-License-Identifier: MIT */
/*
 * picture.h - a call graph as boxes and arrows, drawn without Graphviz.
 *
 * picture_read() takes the text that the report dot writes, and no more of
 * that language; picture_lay_out() gives everything its place, in points;
 * picture_add_svg() draws it.
 */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include <stdbool.h>

#include "util/error.h"
#include "util/map.h"
#include "util/strbuf.h"

struct picture_text { /* lines, freed with the picture */
	const char **lines;
	size_t n;
	double width, height;
	bool is_left; /* and not centred */
};

struct picture_node {
	const char *id, *tooltip, *color, *fill;
	struct picture_text text;
	double font;
	bool is_legend, is_tag;
	double x, y, width, height; /* the centre, and the whole box */
};

struct point {
	double x, y;
};

struct picture_edge {
	uint32_t from, to;
	const char *tooltip, *color;
	struct picture_text text;
	double label_x, label_y; /* left, and the middle */
	double pen;
	int weight, min_length;
	bool is_dotted;
	/* M p0 C p1 p2 p3 C p4 p5 p6 ...; the arrow stands at the end, or
	 * at the beginning if it is reversed. */
	struct vec points; /* struct point */
	bool is_reversed;
};

struct picture {
	const char *title;
	struct vec nodes; /* struct picture_node */
	struct vec edges; /* struct picture_edge */
	struct intern names;
	double width, height;
	struct arena arena;
};

struct error *picture_read(const char *dot, struct picture *out) MUST_USE;
void picture_clear(struct picture *picture);

/* An error if it is far too large for that. */
struct error *picture_lay_out(struct picture *picture) MUST_USE;

void picture_add_svg(const struct picture *picture, struct strbuf *out);

static inline struct picture_node *picture_node(const struct picture *p,
						size_t i)
{
	return vec_at(&p->nodes, i);
}

static inline struct picture_edge *picture_edge(const struct picture *p,
						size_t i)
{
	return vec_at(&p->edges, i);
}

#define PICTURE_FONT 14.0  /* of labels, if nothing is said */
#define PICTURE_ARROW 9.0  /* length */
#define PICTURE_LINE 1.15  /* height of a line by the size of its font */

#endif
