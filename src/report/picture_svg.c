/* SPDX-License-Identifier: MIT */
/* picture_svg.c - a picture that was laid out, as SVG. */
#include <math.h>

#include "report/markup.h"
#include "report/picture.h"

#define FOLD 4.0 /* the third dimension of a tag's box */

static void add_title(const char *text, struct strbuf *out)
{
	if (!*text)
		return;
	strbuf_adds(out, "<title>");
	markup_add_text(text, out);
	strbuf_adds(out, "</title>");
}

/* Lines around @y; @x is their middle, or their left side. */
static void add_text(const struct picture_text *text, double x, double y,
		     double font, bool is_middle, struct strbuf *out)
{
	double line = font * PICTURE_LINE;
	double top = y - text->height / 2 + line * 0.78;

	for (size_t i = 0; i < text->n; i++) {
		if (!*text->lines[i])
			continue;
		strbuf_addf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size="
			    "\"%g\"%s>", x, top + line * (double)i, font,
			    is_middle ? " text-anchor=\"middle\"" : "");
		markup_add_text(text->lines[i], out);
		strbuf_adds(out, "</text>");
	}
}

/* The edge of a box that stands out of the paper. */
static void add_fold(const struct picture_node *node, struct strbuf *out)
{
	double x = node->x - node->width / 2, y = node->y - node->height / 2;
	double right = x + node->width, bottom = y + node->height;

	strbuf_addf(out, "<path d=\"M%.1f %.1fl%g -%gH%.1fV%.1fl-%g %gM%.1f "
		    "%.1fl%g -%g\" fill=\"none\" stroke=\"", x, y, FOLD, FOLD,
		    right + FOLD, bottom - FOLD, FOLD, FOLD, right, y, FOLD,
		    FOLD);
	markup_add_text(node->color, out);
	strbuf_adds(out, "\"/>");
}

static void add_node(const struct picture *picture, uint32_t id,
		     struct strbuf *out)
{
	const struct picture_node *node = picture_node(picture, id);
	double x = node->x - node->width / 2, y = node->y - node->height / 2;

	strbuf_addf(out, "<g class=\"%s\" data-name=\"N%u\"",
		    node->is_legend ? "legend" : "node", id);
	if (*node->id) {
		strbuf_adds(out, " id=\"");
		markup_add_text(node->id, out);
		strbuf_adds(out, "\"");
	}
	strbuf_adds(out, ">");
	add_title(node->tooltip, out);
	strbuf_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		    "height=\"%.1f\" fill=\"", x, y, node->width,
		    node->height);
	markup_add_text(node->fill, out);
	strbuf_adds(out, "\" stroke=\"");
	markup_add_text(node->color, out);
	strbuf_adds(out, "\"/>");
	if (node->is_tag)
		add_fold(node, out);
	add_text(&node->text,
		 node->text.is_left ? x + 0.4 * node->font : node->x, node->y,
		 node->font, !node->text.is_left, out);
	strbuf_adds(out, "</g>\n");
}

/* An arrow from @y on, up or down, whose line ends there. */
static void add_arrow(const struct picture_edge *edge, const struct point *p,
		      bool is_up, struct strbuf *out)
{
	double half = 3.2 + edge->pen / 2;
	double length = PICTURE_ARROW + edge->pen;

	strbuf_addf(out, "<path d=\"M%.1f %.1fh%.1fl%.1f %.1fl%.1f %.1fz\" "
		    "stroke=\"none\" fill=\"", p->x - half, p->y, 2 * half,
		    -half, is_up ? -length : length, -half,
		    is_up ? length : -length);
	markup_add_text(edge->color, out);
	strbuf_adds(out, "\"/>");
}

static void add_path(const struct picture_edge *edge, struct strbuf *out)
{
	const struct point *points = edge->points.data;

	strbuf_addf(out, "<path d=\"M%.1f %.1f", points[0].x, points[0].y);
	for (size_t i = 1; i < edge->points.n; i++)
		strbuf_addf(out, "%s%.1f %.1f", i % 3 == 1 ? "C" : " ",
			    points[i].x, points[i].y);
	strbuf_adds(out, "\" fill=\"none\" stroke=\"");
	markup_add_text(edge->color, out);
	strbuf_addf(out, "\" stroke-width=\"%g\"", edge->pen);
	if (edge->is_dotted)
		strbuf_addf(out, " stroke-dasharray=\"0.1 %g\" "
			    "stroke-linecap=\"round\"", 1.7 * edge->pen + 2);
	strbuf_adds(out, "/>");
}

static void add_edge(const struct picture_edge *edge, struct strbuf *out)
{
	const struct point *points = edge->points.data;

	if (!edge->points.n)
		return;
	strbuf_addf(out, "<g class=\"edge\" data-ends=\"N%u-&gt;N%u\">",
		    edge->from, edge->to);
	add_title(edge->tooltip, out);
	add_path(edge, out);
	add_arrow(edge, edge->is_reversed ? &points[0] :
					    &points[edge->points.n - 1],
		  edge->is_reversed, out);
	add_text(&edge->text, edge->label_x, edge->label_y, PICTURE_FONT,
		 false, out);
	strbuf_adds(out, "</g>\n");
}

void picture_add_svg(const struct picture *picture, struct strbuf *out)
{
	double width = fmax(ceil(picture->width), 16);
	double height = fmax(ceil(picture->height), 16);

	strbuf_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		    "viewBox=\"0 0 %g %g\" width=\"%gpt\" height=\"%gpt\" "
		    "font-family=\"Helvetica,Arial,sans-serif\">\n", width,
		    height, width, height);
	add_title(picture->title, out);
	/* Edges first: a box lies over the arrows of others. */
	for (uint32_t i = 0; i < picture->edges.n; i++)
		add_edge(picture_edge(picture, i), out);
	for (uint32_t i = 0; i < picture->nodes.n; i++)
		add_node(picture, i, out);
	strbuf_adds(out, "</svg>\n");
}
