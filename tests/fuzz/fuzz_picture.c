/* SPDX-License-Identifier: MIT */
/*
 * fuzz_picture.c - any text for dot, and any graph, drawn by ourselves.
 *
 *	byte 0: odd: the rest is text behind "digraph "; even: a graph
 *
 * A graph is two bytes for each edge, whose bits are also its label, weight
 * and length. What is drawn must be finite, no boxes may overlap, no edge may
 * run through one, and the SVG must have each of them and close what it opens.
 */
#include <assert.h>

#include "../unit/picture_check.h"
#include "fuzz.h"

enum {
	NODES_MAX = 40, EDGES_MAX = 64, /* of a graph made here: it is quick */
	THROUGH_MAX = 24, /* boxes and edges that are looked at in pairs */
};

static void add_graph(const uint8_t *data, size_t size, struct strbuf *out)
{
	unsigned n_nodes = size ? 2 + data[0] % NODES_MAX : 0;

	strbuf_adds(out, "\"x\" {\nnode [style=filled]\n");
	strbuf_adds(out, "subgraph cluster_L { \"File: x\" [shape=box "
		    "fontsize=16 label=\"File: x\\lType: y\\l\"] }\n");
	for (size_t i = 1; i + 1 < size && i < 2 * EDGES_MAX; i += 2) {
		unsigned from = data[i] % n_nodes;
		unsigned to = data[i + 1] % n_nodes;
		unsigned bits = data[i] ^ data[i + 1];

		strbuf_addf(out, "N%u [label=\"%.*s\" fontsize=%u "
			    "shape=box%s]\n", from, (int)(bits % 24),
			    "a.long.name\\nwith.lines\\n", 8 + bits % 17,
			    bits & 64 ? "3d" : "");
		strbuf_addf(out, "N%u -> N%u [label=\" %u\" weight=%u "
			    "penwidth=%u%s]\n", from, to, bits, 1 + bits % 100,
			    1 + bits % 6, bits & 32 ? " minlen=2" : "");
	}
	strbuf_adds(out, "}\n");
}

static bool is_finite(const struct picture *picture)
{
	bool is_it = isfinite(picture->width) && isfinite(picture->height);

	for (size_t i = 0; i < picture->nodes.n; i++)
		is_it &= isfinite(picture_node(picture, i)->x) &&
			 isfinite(picture_node(picture, i)->y);
	for (size_t i = 0; i < picture->edges.n; i++) {
		const struct vec *points = &picture_edge(picture, i)->points;

		for (size_t j = 0; j < points->n; j++) {
			const struct point *p = vec_at(points, j);

			is_it &= isfinite(p->x) && isfinite(p->y);
		}
	}
	return is_it;
}

static size_t count_legends(const struct picture *picture)
{
	size_t n = 0;

	for (size_t i = 0; i < picture->nodes.n; i++)
		n += picture_node(picture, i)->is_legend;
	return n;
}

static size_t count_text(const char *text, const char *wanted)
{
	size_t n = 0;

	for (; (text = strstr(text, wanted)); text++)
		n++;
	return n;
}

/* Every tag is closed by its own name, and "<" is nowhere else. */
static void check_markup(const char *svg)
{
	char open[8][16];
	size_t depth = 0;

	while ((svg = strchr(svg, '<'))) {
		const char *end = strchr(svg, '>');
		size_t n = strcspn(svg + 1, " >/\n");

		assert(end);
		if (svg[1] == '/') {
			n = strcspn(svg + 2, ">");
			assert(depth && strlen(open[depth - 1]) == n);
			assert(!strncmp(open[--depth], svg + 2, n));
		} else if (end[-1] != '/') {
			assert(depth < 8 && n < sizeof(open[0]));
			memcpy(open[depth], svg + 1, n);
			open[depth++][n] = '\0';
		}
		assert(!memchr(svg + 1, '<', (size_t)(end - svg - 1)));
		svg = end;
	}
	assert(!depth);
}

static void check_svg(const struct picture *picture, size_t n_legends)
{
	CLEANUP(strbuf_clear) struct strbuf svg = { 0 };

	picture_add_svg(picture, &svg);
	check_markup(svg.data);
	assert(count_text(svg.data, "<g class=\"node\"") ==
	       picture->nodes.n - n_legends);
}

static void draw(struct picture *picture)
{
	size_t n_legends = count_legends(picture);
	struct error *error = picture_lay_out(picture);

	if (error) {
		error_free(error);
		return;
	}
	assert(is_finite(picture));
	if (n_legends < 2 && picture->nodes.n <= THROUGH_MAX) {
		assert(!count_overlaps(picture));
		if (picture->edges.n <= THROUGH_MAX)
			assert(!count_through(picture));
	}
	check_svg(picture, n_legends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = { 0 };
	struct picture picture;
	struct error *error;

	if (!size)
		return 0;
	strbuf_adds(&text, "digraph ");
	if (data[0] % 2)
		strbuf_add(&text, data + 1, size - 1);
	else
		add_graph(data + 1, size - 1, &text);
	error = picture_read(text.data, &picture);
	if (!error)
		draw(&picture);
	error_free(error);
	picture_clear(&picture);
	strbuf_clear(&text);
	return 0;
}
