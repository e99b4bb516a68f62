/* SPDX-License-Identifier: MIT */
/*
 * write_weblist.c - the report weblist: one HTML page of annotated sources.
 *
 * Lines with instructions are <details>: a click unfolds them, without any
 * script. So the page can forbid scripts, and whatever names a profile holds
 * stay text; they are escaped besides.
 */
#include <inttypes.h>

#include "profile/unit.h"
#include "report/listing.h"
#include "report/markup.h"
#include "report/sourcefile.h"
#include "report/weblist.h"
#include "report/writers.h"

#define TEXT_COLUMNS 80
#define HEATS 5 /* shades of hot lines */

static const char page_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
	"'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>";

static const char page_style[] =
	"</title>\n<style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:14px sans-serif;margin:1em}\n"
	"h2{margin:1.5em 0 0;font-size:17px}\n"
	".file,.dim{color:#888}\n"
	".file{margin:.2em 0 .6em}\n"
	".code{font:12px/1.45 monospace;white-space:pre;overflow-x:auto;"
	"tab-size:8}\n"
	"summary{list-style:none;cursor:pointer}\n"
	"summary::-webkit-details-marker{display:none}\n"
	"summary:hover,summary:focus-visible{background:#8883}\n"
	"details[open]>summary{font-weight:bold}\n"
	".asm{color:#186a2a;margin:0 0 .4em}\n"
	".call{color:#2a3f9d}\n"
	".plain{color:#777}\n"
	".h1{background:#e5533d14}.h2{background:#e5533d26}"
	".h3{background:#e5533d3b}.h4{background:#e5533d55}"
	".h5{background:#e5533d77}\n"
	"@media(prefers-color-scheme:dark){.asm{color:#7fce8f}"
	".call{color:#9fb0ff}}\n"
	"</style></head><body>\n";

struct page {
	const struct weblist *list;
	const struct report *report;
	struct sourcefile source;
	int64_t hottest; /* |cum| of a line of this function */
	uint32_t *lines; /* ids of all, by listing and number */
	uint32_t *first; /* of them, by listing; one more than there are */
};

/* @text without blanks in front, tabs as blanks, behind @indent of them. */
static void add_indented(size_t indent, const char *text, struct strbuf *out)
{
	size_t n = indent;

	strbuf_addf(out, "%*s", (int)indent, "");
	for (text += strspn(text, " \t"); *text; text++, n++) {
		char c[] = { *text == '\t' ? ' ' : *text, '\0' };

		markup_add_text(c, out);
	}
	for (; n < TEXT_COLUMNS; n++)
		strbuf_addc(out, ' ');
}

static void add_place(const char *file, int64_t line, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf base = { 0 };

	if (!*file)
		return;
	path_add_base(&base, file);
	strbuf_adds(out, " <span class=\"dim\">");
	markup_add_text(base.data, out);
	strbuf_addf(out, ":%" PRId64 "</span>", line);
}

static const struct weblist_frame *frame_at(const struct page *page,
					    const struct weblist_inst *inst,
					    uint32_t depth)
{
	/* Depth 0 is what the line calls, the innermost is the last. */
	return vec_at(&page->list->frames,
		      inst->first_frame + inst->n_frames - 1 - depth);
}

static bool frames_are_equal(const struct weblist_frame *a,
			     const struct weblist_frame *b)
{
	return a->line == b->line && !strcmp(a->file, b->file) &&
	       !strcmp(a->function, b->function);
}

/* The calls inlined at @inst that those of @last did not show. */
static void add_calls(const struct page *page,
		      const struct weblist_inst *inst,
		      const struct weblist_inst *last, struct strbuf *out)
{
	bool is_same = last != NULL;

	for (uint32_t i = 0; i < inst->n_frames; i++) {
		const struct weblist_frame *frame = frame_at(page, inst, i);

		is_same = is_same && i < last->n_frames &&
			  frames_are_equal(frame, frame_at(page, last, i));
		if (is_same)
			continue;
		strbuf_addf(out, "%40s<span class=\"call\">", "");
		add_indented(4 + 4 * i, frame->function, out);
		strbuf_adds(out, "</span>");
		add_place(frame->file, frame->line, out);
		strbuf_adds(out, "\n");
	}
}

static void add_inst(const struct page *page, const struct weblist_inst *inst,
		     struct strbuf *out)
{
	const struct weblist_code *code =
		vec_at(&page->list->codes, inst->code);
	const struct objfile_inst *i = vec_at(&code->code.insts, inst->inst);
	const struct sum *sum = &code->sums[inst->inst];

	strbuf_addf(out, "%8s", "");
	report_add_value_or_dot(page->report, sum_flat(sum), out);
	report_add_value_or_dot(page->report, sum_cum(sum), out);
	strbuf_addf(out, "%8" PRIx64 ": ", i->vaddr);
	add_indented(4 + 4 * inst->n_frames, i->text, out);
	if (inst->n_frames) {
		const struct weblist_frame *frame =
			frame_at(page, inst, inst->n_frames - 1);

		add_place(frame->file, frame->line, out);
	}
	strbuf_adds(out, "\n");
}

static void add_insts(const struct page *page,
		      const struct weblist_line *line, struct strbuf *out)
{
	const struct weblist_inst *last = NULL;

	strbuf_adds(out, "<div class=\"asm\">");
	for (uint32_t i = 0; i < line->n_insts; i++) {
		const struct weblist_inst *inst =
			vec_at(&page->list->insts, line->first_inst + i);
		bool is_next = last && last->code == inst->code &&
			       last->inst + 1 == inst->inst;

		if (last && !is_next)
			strbuf_addf(out, "%36s\xe2\x8b\xae\n", "");
		add_calls(page, inst, is_next ? last : NULL, out);
		add_inst(page, inst, out);
		last = inst;
	}
	strbuf_adds(out, "</div>");
}

static void add_heat(const struct page *page, int64_t cum, struct strbuf *out)
{
	double share = page->hottest ? (double)wrap_abs(cum) /
					       (double)page->hottest : 0;
	int heat = (int)(share * HEATS + 0.5);

	if (cum)
		strbuf_addf(out, " class=\"h%d\"",
			    heat < 1 ? 1 : heat > HEATS ? HEATS : heat);
	else
		strbuf_adds(out, " class=\"plain\"");
}

static void add_line(const struct page *page, const struct weblist_line *line,
		     int64_t number, const char *text, struct strbuf *out)
{
	bool has_insts = line && line->n_insts;
	int64_t cum = line ? sum_cum(&line->sum) : 0;

	/* Without a line there are but the instructions to be seen. */
	strbuf_adds(out, !has_insts ? "<div" :
			 number ? "<details><summary" :
				  "<details open><summary");
	add_heat(page, cum, out);
	strbuf_addf(out, "> %6" PRId64 " ", number);
	report_add_value_or_dot(page->report,
				line ? sum_flat(&line->sum) : 0, out);
	report_add_value_or_dot(page->report, cum, out);
	strbuf_adds(out, "        ");
	for (; *text; text++) {
		char c[] = { *text, '\0' };

		if (*text == '\t')
			strbuf_addc(out, '\t');
		else
			markup_add_text(c, out);
	}
	if (!has_insts) {
		strbuf_adds(out, "</div>");
		return;
	}
	strbuf_adds(out, "</summary>");
	add_insts(page, line, out);
	strbuf_adds(out, "</details>");
}

static const struct weblist_line *line_at(const struct page *page, uint32_t i)
{
	return vec_at(&page->list->lines, page->lines[i]);
}

/* Lines that the source does not have, or all if there is no source. */
static void add_other_lines(const struct page *page, uint32_t listing,
			    struct strbuf *out)
{
	for (uint32_t i = page->first[listing]; i < page->first[listing + 1];
	     i++) {
		const struct weblist_line *line = line_at(page, i);

		if (sourcefile_line(&page->source, line->number))
			continue;
		add_line(page, line, line->number,
			 line->number ? "???" :
					"<instructions of unknown lines>",
			 out);
	}
}

static void add_lines(const struct page *page, uint32_t listing,
		      struct strbuf *out)
{
	const struct listing *l =
		vec_at(&page->list->listings, listing);
	int64_t number = l->first < 1 ? 1 : l->first;
	const char *text;

	for (; number <= l->last &&
	       (text = sourcefile_line(&page->source, number)); number++)
		add_line(page, weblist_find_line(page->list, listing, number),
			 number, text, out);
	add_other_lines(page, listing, out);
}

static int64_t find_hottest(const struct page *page, uint32_t listing)
{
	int64_t most = 0;

	for (uint32_t i = page->first[listing]; i < page->first[listing + 1];
	     i++) {
		int64_t cum = wrap_abs(sum_cum(&line_at(page, i)->sum));

		most = cum > most ? cum : most;
	}
	return most;
}

static void add_listing(struct page *page, uint32_t id, struct strbuf *out)
{
	const struct listing *l = vec_at(&page->list->listings, id);
	const struct pp *pp = page->report->pp;
	const char *path = pp_text(pp, l->file);

	strbuf_addf(out, "<h2 id=\"f%u\">", id);
	markup_add_text(pp_text(pp, l->name), out);
	strbuf_adds(out, "</h2>\n<p class=\"file\">");
	markup_add_text(*path ? path : "no source file is known", out);
	strbuf_adds(out, "</p>\n<div class=\"code\">  Total:");
	report_add_sums(page->report, sum_flat(&l->sum), sum_cum(&l->sum),
			" of Total\n", out);
	sourcefile_open(&page->source, path,
			page->report->settings->trim_path,
			page->report->settings->source_path);
	sourcefile_ask(&page->source, pp, l->file,
		       page->report->settings->source_server);
	if (page->source.error && *path) {
		strbuf_adds(out, " Error: ");
		markup_add_text(page->source.error, out);
		strbuf_adds(out, "\n");
	}
	page->hottest = find_hottest(page, id);
	add_lines(page, id, out);
	sourcefile_clear(&page->source);
	strbuf_adds(out, "</div>\n");
}

static int compare_listings(const void *p, const void *q, void *arg)
{
	const struct weblist *list = arg;
	const struct pp *pp = list->report->pp;
	uint32_t i = *(const uint32_t *)p, j = *(const uint32_t *)q;
	const struct listing *a = vec_at(&list->listings, i);
	const struct listing *b = vec_at(&list->listings, j);
	int64_t x = wrap_abs(sum_cum(&a->sum)), y = wrap_abs(sum_cum(&b->sum));
	int c = (x < y) - (x > y);

	if (!c)
		c = strcmp(pp_text(pp, a->name), pp_text(pp, b->name));
	return c ? c : (i > j) - (i < j);
}

/* Where to find what on a page of several functions. */
static void add_contents(const struct page *page, const uint32_t *order,
			 size_t n, struct strbuf *out)
{
	strbuf_adds(out, "<div class=\"code\">");
	for (size_t i = 0; i < n; i++) {
		const struct listing *l =
			vec_at(&page->list->listings, order[i]);

		report_add_value_or_dot(page->report, sum_flat(&l->sum), out);
		report_add_value_or_dot(page->report, sum_cum(&l->sum), out);
		strbuf_addf(out, " <a href=\"#f%u\">", order[i]);
		markup_add_text(pp_text(page->report->pp, l->name), out);
		strbuf_adds(out, "</a>\n");
	}
	strbuf_adds(out, "</div>\n");
}

static void add_head(const struct page *page, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf header = { 0 };

	report_add_profile_header(page->report, &header);
	strbuf_adds(out, page_head);
	markup_add_text(regex_pattern(page->report->symbol), out);
	strbuf_adds(out, page_style);
	strbuf_adds(out, "<div class=\"code\">");
	markup_add_lines(header.data, out);
	strbuf_adds(out, "Total: ");
	report_add_value(page->report, page->report->total, out);
	strbuf_adds(out, "</div>\n");
}

static void add_page(struct page *page, struct strbuf *out)
{
	const struct weblist *list = page->list;
	size_t n = list->listings.n, n_shown = 0;
	CLEANUP(free) uint32_t *order = xcalloc(n, sizeof(*order));
	int64_t cutoff = report_listing_cutoff(page->report);

	for (size_t i = 0; i < n; i++) {
		const struct listing *l = vec_at(&list->listings, i);

		if (sum_cum(&l->sum) && wrap_abs(sum_cum(&l->sum)) >= cutoff)
			order[n_shown++] = (uint32_t)i;
	}
	qsort_r(order, n_shown, sizeof(*order), compare_listings,
		(void *)(uintptr_t)list);
	add_head(page, out);
	if (n_shown > 1)
		add_contents(page, order, n_shown, out);
	for (size_t i = 0; i < n_shown; i++)
		add_listing(page, order[i], out);
	strbuf_adds(out, "<p>");
	report_add_hidden(page->report, n - n_shown, cutoff, out);
	strbuf_adds(out, "</p>\n</body></html>\n");
}

static int compare_lines(const void *p, const void *q, void *arg)
{
	const struct weblist *list = arg;
	const struct weblist_line *a =
		vec_at(&list->lines, *(const uint32_t *)p);
	const struct weblist_line *b =
		vec_at(&list->lines, *(const uint32_t *)q);

	if (a->listing != b->listing)
		return a->listing < b->listing ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static void sort_lines(struct page *page)
{
	const struct weblist *list = page->list;
	size_t n = list->lines.n;

	page->lines = xcalloc(n + 1, sizeof(*page->lines));
	page->first = xcalloc(list->listings.n + 1, sizeof(*page->first));
	for (size_t i = 0; i < n; i++) {
		const struct weblist_line *line = vec_at(&list->lines, i);

		page->lines[i] = (uint32_t)i;
		page->first[line->listing + 1]++;
	}
	for (size_t i = 0; i < list->listings.n; i++)
		page->first[i + 1] += page->first[i];
	qsort_r(page->lines, n, sizeof(*page->lines), compare_lines,
		(void *)(uintptr_t)list);
}

struct error *report_write_weblist(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	struct weblist list;
	struct error *error = weblist_make(report, graph, &list);
	struct page page = { .list = &list, .report = report };

	if (!error) {
		sort_lines(&page);
		add_page(&page, out);
	}
	free(page.lines);
	free(page.first);
	weblist_clear(&list);
	return error;
}
