/* SPDX-License-Identifier: MIT */
/*
 * write_svg.c - pictures of the report dot: by Graphviz, or SVG by ourselves.
 *
 * $PSAMPLE_DOT is the program to run in place of dot; if it is empty, none is,
 * and the layout is our own.
 */
#include "report/picture.h"
#include "report/svg_script.h"
#include "report/writers.h"
#include "util/child.h"
#include "util/log.h"

static char *find_dot(void)
{
	const char *dot = getenv("PSAMPLE_DOT");

	if (dot)
		return *dot ? child_find(dot) : NULL;
	return child_find("dot");
}

static struct error *run_dot(const char *dot, const char *type,
			     const struct strbuf *graph, struct strbuf *out)
{
	CLEANUP(free) char *option = xasprintf("-T%s", type);
	const char *argv[] = { dot, option, NULL };

	return child_run(argv, graph, false, out);
}

static struct error *draw(const struct strbuf *graph, struct strbuf *out)
{
	struct picture picture;
	struct error *error = picture_read(graph->data, &picture);

	if (!error)
		error = picture_lay_out(&picture);
	if (!error)
		picture_add_svg(&picture, out);
	picture_clear(&picture);
	return error;
}

/* Skip name="value" of the attribute that begins at @p. */
static const char *skip_attribute(const char *p)
{
	p = strchr(p, '"');
	p = p ? strchr(p + 1, '"') : NULL;
	return p ? p + 1 : NULL;
}

/* The picture fills the window, and has a script to move in it. */
static void add_script(const struct strbuf *svg, struct strbuf *out)
{
	const char *start = strstr(svg->data, "<svg"), *end, *p;

	end = start ? strchr(start, '>') : NULL;
	if (!end) {
		strbuf_add(out, svg->data, svg->len);
		return;
	}
	strbuf_add(out, svg->data, (size_t)(start + 4 - svg->data));
	strbuf_adds(out, " width=\"100%\" height=\"100%\"");
	for (p = start + 4; p < end;) {
		const char *next = p;

		if (!strncmp(p, " width=\"", 8) ||
		    !strncmp(p, " height=\"", 9))
			next = skip_attribute(p);
		if (next == p || !next)
			strbuf_addc(out, *p++);
		else
			p = next;
	}
	strbuf_adds(out, ">\n<script><![CDATA[\n");
	strbuf_adds(out, svg_script);
	strbuf_adds(out, "]]></script>\n<style>g.node{cursor:pointer}"
		    "</style>");
	strbuf_adds(out, end + 1);
}

static struct error *write_svg(struct report *report, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf graph = { 0 };
	CLEANUP(strbuf_clear) struct strbuf svg = { 0 };
	CLEANUP(free) char *dot = find_dot();
	struct error *error = report_write_dot(report, &graph);

	if (!error && dot) {
		error = run_dot(dot, "svg", &graph, &svg);
		if (error)
			log_warning("%s; drawing without it",
				    error_text(error));
		if (error)
			strbuf_reset(&svg);
		error_free(error);
		error = NULL;
	}
	if (!error && !svg.len)
		error = draw(&graph, &svg);
	if (!error)
		add_script(&svg, out);
	return error;
}

struct error *report_write_picture(struct report *report, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf graph = { 0 };
	CLEANUP(free) char *dot = find_dot();
	const char *image = report->format->image;
	struct error *error;

	if (!strcmp(image, "svg"))
		return write_svg(report, out);
	if (!dot)
		return error_hint(error_new("%s needs dot, which is not "
					    "installed",
					    report->format->name),
				  "try:   apt-get install graphviz, or --svg, "
				  "which needs nothing");
	error = report_write_dot(report, &graph);
	return error ? error : run_dot(dot, image, &graph, out);
}
