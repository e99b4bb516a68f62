/* SPDX-License-Identifier: MIT */
/*
 * layout_route.c - the curves of edges.
 *
 * Within the band of a rank an edge runs straight down at its own point, which
 * keeps clear of boxes; between two bands, where no boxes are, it is an S. So
 * it never touches a box that is not its own, and two edges cross only where
 * their order changes.
 */
#include <math.h>

#include "report/layout.h"

#define PORT_GAP 14.0  /* between edges at a box, if there is room */
#define PORT_SHARE 0.7 /* of a box's width for edges */

struct router {
	struct layout *layout;
	double *from_x, *to_x; /* by link: where it leaves and arrives */
};

struct port {
	uint32_t link;
	double x; /* of the other end */
};

static int compare_ports(const void *p, const void *q)
{
	const struct port *a = p, *b = q;

	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return (a->link > b->link) - (a->link < b->link);
}

/*
 * Places for the @n links at a side of @p, in order of their other ends: as
 * near to straight as the box and their neighbours allow.
 */
static void place_ports(const struct layout_point *p, struct port *ports,
			uint32_t n)
{
	double room = p->node == NO_ID ? 0 :
				(p->left + p->right) * PORT_SHARE;
	double gap = n > 1 ? fmin(PORT_GAP, room / (n - 1)) : 0;
	double least = p->x - room / 2, most = p->x + room / 2;

	for (uint32_t i = 0; i < n; i++) {
		ports[i].x = fmax(ports[i].x, least);
		least = ports[i].x + gap;
	}
	for (uint32_t i = n; i--;) {
		ports[i].x = fmin(ports[i].x, most);
		most = ports[i].x - gap;
	}
}

/* Where the links at one side of @point leave or arrive. */
static void spread(const struct router *router, uint32_t point, bool is_out)
{
	const struct layout *layout = router->layout;
	const struct layout_ids *list = is_out ? &layout->out : &layout->in;
	uint32_t first = list->first[point];
	uint32_t n = list->first[point + 1] - first;
	CLEANUP(free) struct port *ports = xcalloc(n + 1, sizeof(*ports));

	for (uint32_t i = 0; i < n; i++) {
		const struct layout_link *l =
			layout_link(layout, list->ids[first + i]);

		ports[i].link = list->ids[first + i];
		ports[i].x = layout_point(layout, is_out ? l->to :
							   l->from)->x;
	}
	qsort(ports, n, sizeof(*ports), compare_ports);
	place_ports(layout_point(layout, point), ports, n);
	for (uint32_t i = 0; i < n; i++)
		(is_out ? router->from_x : router->to_x)[ports[i].link] =
			ports[i].x;
}

static void add_point(struct picture_edge *edge, double x, double y)
{
	*(struct point *)vec_push(&edge->points) = (struct point){ x, y };
}

static void add_line(struct picture_edge *edge, double x, double y)
{
	const struct point *last =
		vec_at(&edge->points, edge->points.n - 1);
	struct point from = *last;

	if (fabs(from.x - x) + fabs(from.y - y) < 0.01)
		return;
	add_point(edge, from.x, from.y + (y - from.y) / 3);
	add_point(edge, x, y - (y - from.y) / 3);
	add_point(edge, x, y);
}

static void add_s(struct picture_edge *edge, double x, double y)
{
	const struct point *last =
		vec_at(&edge->points, edge->points.n - 1);
	struct point from = *last;
	double middle = (from.y + y) / 2;

	add_point(edge, from.x, middle);
	add_point(edge, x, middle);
	add_point(edge, x, y);
}

static double arrow_of(const struct picture_edge *edge)
{
	return PICTURE_ARROW + edge->pen;
}

/* Down from one band to the next, and through that if it goes on. */
static void route_link(const struct router *router, uint32_t id, bool is_last)
{
	const struct layout *layout = router->layout;
	const struct layout_link *l = layout_link(layout, id);
	struct picture_edge *edge = picture_edge(layout->picture, l->edge);
	const struct layout_point *to = layout_point(layout, l->to);
	const struct layout_rank *rank = &layout->ranks[to->rank];
	double x = router->to_x[id], end = rank->bottom, top = rank->top;

	if (is_last) {
		end = (rank->top + rank->bottom - to->height) / 2;
		if (!edge->is_reversed)
			end -= arrow_of(edge);
		top = fmin(top, end);
	}
	add_s(edge, x, top);
	add_line(edge, x, end);
	if (to->node == NO_ID && to->height > 0) {
		edge->label_x = x + to->right - edge->text.width;
		edge->label_y = (rank->top + rank->bottom) / 2;
	}
}

static void route_edge(const struct router *router, uint32_t id)
{
	const struct layout *layout = router->layout;
	struct picture_edge *edge = picture_edge(layout->picture, id);
	uint32_t first = layout->first_link[id], n = layout->n_links[id];
	const struct layout_point *from;
	const struct layout_rank *rank;
	double y, bottom;

	if (first == NO_ID || !n)
		return;
	from = layout_point(layout, layout_link(layout, first)->from);
	rank = &layout->ranks[from->rank];
	y = (rank->top + rank->bottom + from->height) / 2;
	bottom = rank->bottom;
	if (edge->is_reversed) {
		y += arrow_of(edge);
		bottom = fmax(bottom, y);
	}
	add_point(edge, router->from_x[first], y);
	add_line(edge, router->from_x[first], bottom);
	for (uint32_t i = 0; i < n; i++)
		route_link(router, first + i, i + 1 == n);
}

void layout_route(struct layout *layout)
{
	size_t n = layout->links.n;
	CLEANUP(free) double *xs = xcalloc(2 * n + 1, sizeof(*xs));
	struct router router = { layout, xs, xs + n };

	for (uint32_t i = 0; i < layout->points.n; i++) {
		spread(&router, i, true);
		spread(&router, i, false);
	}
	for (uint32_t i = 0; i < layout->picture->edges.n; i++)
		route_edge(&router, i);
}
