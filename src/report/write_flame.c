/* SPDX-License-Identifier: MIT */
/*
 * write_flame.c - the report flamegraph: one SVG or HTML file, nothing else
 * needed. The root is on top; the script zooms and searches.
 */
#include <math.h>

#include "profile/unit.h"
#include "report/flame.h"
#include "report/flame_script.h"
#include "report/markup.h"
#include "report/writers.h"

#define WIDTH 1200.0
#define ROW 17
#define TOP 44
#define WIDTH_MIN 0.1 /* of a frame; narrower ones are counted, not drawn */
#define LETTER 6.6    /* width of a letter */
#define LETTERS_MIN 3

struct flame_page {
	const struct report *report;
	struct flame flame;
	double *x; /* by frame: its left edge; below 0: not drawn */
	size_t n_left_out;
	int64_t largest_change; /* of a frame but the root, with a base */
};

/*
 * Of values below 0 the size counts. With a base, a frame is as wide as both
 * profiles together: what is gone has its place, and children fit in.
 */
static double size_of(const struct flame_page *page, uint32_t id)
{
	const struct flame_frame *frame = flame_frame(&page->flame, id);
	double now = (double)wrap_add(frame->total, frame->base);

	return page->flame.has_base ? fabs(now) + fabs((double)frame->base) :
				      fabs((double)frame->total);
}

static double width_of(const struct flame_page *page, uint32_t id)
{
	double total = size_of(page, 0), value = size_of(page, id);

	return total > 0 ? WIDTH * (value < total ? value / total : 1) : 0;
}

static void place_frames(struct flame_page *page)
{
	const struct flame *flame = &page->flame;

	for (size_t i = 0; i < flame->frames.n; i++) {
		const struct flame_frame *frame = flame_frame(flame, i);
		double x = page->x[i];

		for (uint32_t j = 0; j < frame->n_children; j++) {
			uint32_t child =
				flame->children[frame->first_child + j];
			double width = width_of(page, child);
			bool is_drawn = x >= 0 && width >= WIDTH_MIN;

			page->x[child] = is_drawn ? x : -1;
			page->n_left_out += !is_drawn;
			x += is_drawn ? width : 0;
		}
	}
}

/* Red for more, blue for less, by how much of the largest change it is. */
static void add_change_fill(const struct flame_page *page, uint32_t id,
			    struct strbuf *out)
{
	int64_t change = flame_frame(&page->flame, id)->total;
	double share = page->largest_change ?
			       (double)wrap_abs(change) /
				       (double)page->largest_change : 0;

	if (!change)
		strbuf_adds(out, "#e8e8e8");
	else
		strbuf_addf(out, "hsl(%d,75%%,%d%%)", change > 0 ? 5 : 215,
			    (int)(91 - 31 * sqrt(fmin(share, 1))));
}

/* Warm colours by name; what takes less than nothing is blue. */
static void add_fill(const struct flame_page *page, uint32_t id,
		     struct strbuf *out)
{
	const char *name = flame_name(&page->flame, id);
	uint64_t hash = hash_bytes(name, strlen(name));

	if (!id)
		strbuf_adds(out, "#d0d0d0");
	else if (page->flame.has_base)
		add_change_fill(page, id, out);
	else if (flame_frame(&page->flame, id)->total < 0)
		strbuf_addf(out, "hsl(%u,70%%,75%%)",
			    (unsigned)(200 + hash % 30));
	else
		strbuf_addf(out, "hsl(%u,%u%%,68%%)",
			    (unsigned)(10 + hash % 45),
			    (unsigned)(75 + (hash >> 8) % 20));
}

/* "2s, base 1.5s, change +0.5s (+33.33%)" */
static void add_change(const struct flame_page *page,
		       const struct flame_frame *frame, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf percent = { 0 };
	const char *sign = frame->total < 0 ? "-" : "+";
	int64_t change = wrap_abs(frame->total);

	report_add_value(page->report, wrap_add(frame->total, frame->base),
			 out);
	strbuf_adds(out, ", base ");
	report_add_value(page->report, frame->base, out);
	strbuf_addf(out, ", change %s", sign);
	report_add_value(page->report, change, out);
	unit_add_percent(&percent, change, page->report->total);
	strbuf_addf(out, " (%s%s of the base)", sign,
		    percent.data + strspn(percent.data, " "));
}

static void add_title(const struct flame_page *page, uint32_t id,
		      struct strbuf *out)
{
	const struct flame_frame *frame = flame_frame(&page->flame, id);
	CLEANUP(strbuf_clear) struct strbuf percent = { 0 };

	strbuf_adds(out, "<title>");
	markup_add_text(flame_name(&page->flame, id), out);
	strbuf_adds(out, frame->is_inlined && id ? " (inline)\n" : "\n");
	if (page->flame.has_base) {
		add_change(page, frame, out);
		strbuf_adds(out, "</title>");
		return;
	}
	report_add_value(page->report, frame->total, out);
	unit_add_percent(&percent, frame->total, page->report->total);
	strbuf_addf(out, " (%s), self ",
		    percent.data + strspn(percent.data, " "));
	report_add_value(page->report, frame->self, out);
	strbuf_adds(out, "</title>");
}

/* As much of the name as there is room for. */
static void add_label(const char *name, double width, struct strbuf *out)
{
	size_t room = width > 4 ? (size_t)((width - 4) / LETTER) : 0;
	CLEANUP(free) char *cut = NULL;
	size_t end = 0;

	if (room < LETTERS_MIN)
		return;
	if (text_width(name) <= room) {
		markup_add_text(name, out);
		return;
	}
	for (size_t n = 0; n < room - 2; n++)
		do
			end++;
		while ((name[end] & 0xc0) == 0x80);
	cut = xstrndup(name, end);
	markup_add_text(cut, out);
	strbuf_adds(out, "..");
}

static void add_frame(const struct flame_page *page, uint32_t id,
		      struct strbuf *out)
{
	const struct flame_frame *frame = flame_frame(&page->flame, id);
	double width = width_of(page, id);
	unsigned y = TOP + ROW * frame->depth;

	strbuf_adds(out, "<g>");
	add_title(page, id, out);
	strbuf_addf(out, "<rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" "
		    "height=\"%d\" fill=\"", page->x[id], y, width, ROW - 1);
	add_fill(page, id, out);
	strbuf_addf(out, "\"/><text x=\"%.2f\" y=\"%u\">", page->x[id] + 2,
		    y + 12);
	add_label(flame_name(&page->flame, id), width, out);
	strbuf_adds(out, "</text></g>\n");
}

static void add_heading(const struct flame_page *page, struct strbuf *out)
{
	const struct report *report = page->report;

	strbuf_adds(out, "<text x=\"2\" y=\"16\" id=\"head\">");
	markup_add_text(report->type_name, out);
	strbuf_adds(out, ", ");
	if (page->flame.has_base)
		add_change(page, flame_frame(&page->flame, 0), out);
	else
		report_add_value(report, report->total, out);
	if (page->n_left_out)
		strbuf_addf(out, "; %zu frames too narrow to draw",
			    page->n_left_out);
	strbuf_addf(out, "</text>\n<text x=\"2\" y=\"34\" id=\"note\">click: "
		    "zoom; / : search (regular expression); Esc: all%s"
		    "</text>\n", page->flame.has_base ?
				 "; red: more than in the base, blue: less" :
				 "");
}

static void add_svg(const struct flame_page *page, bool is_alone,
		    struct strbuf *out)
{
	const struct flame *flame = &page->flame;
	unsigned height = TOP + ROW * (flame->depth + 1) + 8;

	strbuf_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
		    "id=\"flame\" viewBox=\"0 0 %.0f %u\" width=\"100%%\" "
		    "preserveAspectRatio=\"xMinYMin\"%s>\n"
		    "<style>text{font:11px monospace;pointer-events:none}"
		    "rect{stroke:#fff;stroke-width:.5}g{cursor:pointer}"
		    "#head{font-weight:bold;font-size:13px}</style>\n",
		    WIDTH, height,
		    is_alone ? " style=\"background:#fff\"" : "");
	add_heading(page, out);
	strbuf_adds(out, "<g id=\"frames\">\n");
	for (size_t i = 0; i < flame->frames.n; i++)
		if (page->x[i] >= 0)
			add_frame(page, (uint32_t)i, out);
	strbuf_adds(out, "</g>\n");
	if (is_alone)
		strbuf_addf(out, "<script><![CDATA[\n%s]]></script>\n",
			    flame_script);
	strbuf_adds(out, "</svg>\n");
}

static void add_html(const struct flame_page *page, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf header = { 0 };

	report_add_profile_header(page->report, &header);
	strbuf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
		    "<meta charset=\"utf-8\"><title>");
	markup_add_text(page->report->type_name, out);
	strbuf_adds(out, "</title>\n<style>body{margin:8px;font:13px "
		    "sans-serif}pre{margin:0 0 8px}</style></head><body>\n"
		    "<pre>");
	markup_add_lines(header.data, out);
	strbuf_adds(out, "</pre>\n<input id=\"query\" size=\"40\" "
		    "placeholder=\"search: regular expression\">\n");
	add_svg(page, false, out);
	strbuf_addf(out, "<script>\n%s</script>\n</body></html>\n",
		    flame_script);
}

static bool is_html(const char *name)
{
	size_t n = strlen(name);

	return (n > 5 && !strcmp(name + n - 5, ".html")) ||
	       (n > 4 && !strcmp(name + n - 4, ".htm"));
}

struct error *report_write_flame(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	struct flame_page page = { .report = report };

	flame_make(graph, report->type, &page.flame);
	page.x = xcalloc(page.flame.frames.n, sizeof(*page.x));
	for (size_t i = 1; page.flame.has_base && i < page.flame.frames.n;
	     i++) {
		int64_t change =
			wrap_abs(flame_frame(&page.flame, i)->total);

		if (change > page.largest_change)
			page.largest_change = change;
	}
	place_frames(&page);
	if (is_html(report->settings->output))
		add_html(&page, out);
	else
		add_svg(&page, true, out);
	free(page.x);
	flame_clear(&page.flame);
	return NULL;
}
