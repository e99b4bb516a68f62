/* SPDX-License-Identifier: MIT */
/* header.c - the lines above reports: about the profile, and what is shown. */
#include <time.h>

#include "profile/unit.h"
#include "report/report.h"
#include "util/clock.h"

#define FILTER_BYTES_MAX 80 /* of a filter's text in the header */

static void add_time(int64_t time_ns, struct strbuf *out)
{
	int64_t s = time_ns / NS_PER_S - (time_ns % NS_PER_S < 0);
	time_t seconds = (time_t)s;
	char text[80];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm);
	strbuf_addf(out, "Time: %s\n", text);
}

/* "Duration: 10s, Total samples = 1.12s (11.20%)" */
static void add_duration(const struct report *report, struct strbuf *out)
{
	int64_t duration = report->pp->duration_ns;
	const char *unit;
	double ns = unit_scale(report->total, report->unit, "nanoseconds",
			       &unit);

	strbuf_adds(out, "Duration: ");
	unit_add_value(out, duration, "nanoseconds", "auto");
	strbuf_adds(out, ", Total samples = ");
	report_add_value(report, report->total, out);
	strbuf_adds(out, " ");
	if (!strcmp(unit, "ns") && ns != 0) {
		strbuf_adds(out, "(");
		unit_add_percent(out, int64_of_double(ns), duration);
		strbuf_adds(out, ")");
	}
	strbuf_adds(out, "\n");
}

static void add_mapping(const struct pp *pp, struct strbuf *out)
{
	const struct pp_mapping *mapping;

	if (!pp->mappings.n)
		return;
	mapping = vec_at(&pp->mappings, 0);
	if (mapping->file) {
		strbuf_adds(out, "File: ");
		path_add_base(out, pp_text(pp, mapping->file));
		strbuf_adds(out, "\n");
	}
	if (mapping->build_id)
		strbuf_addf(out, "Build ID: %s\n",
			    pp_text(pp, mapping->build_id));
}

void report_add_profile_header(const struct report *report,
			       struct strbuf *out)
{
	const struct pp *pp = report->pp;

	add_mapping(pp, out);
	for (size_t i = 0; i < pp->comments.n; i++) {
		const char *comment = pp_text(
			pp, *(string_id *)vec_at(&pp->comments, i));

		if (*comment != '#')
			strbuf_addf(out, "%s\n", comment);
	}
	if (*report->type_name)
		strbuf_addf(out, "Type: %s\n", report->type_name);
	if (pp->doc_url)
		strbuf_addf(out, "Doc: %s\n", pp_text(pp, pp->doc_url));
	if (pp->time_ns)
		add_time(pp->time_ns, out);
	if (pp->duration_ns)
		add_duration(report, out);
}

static void add_filters(const struct settings *s, struct strbuf *out)
{
	const struct { const char *name, *value; } filters[] = {
		{ "focus", s->focus },	       { "ignore", s->ignore },
		{ "hide", s->hide },	       { "show", s->show },
		{ "show_from", s->show_from }, { "tagfocus", s->tagfocus },
		{ "tagignore", s->tagignore }, { "tagshow", s->tagshow },
		{ "taghide", s->taghide },
	};
	const char *title = "Active filters:\n";

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		CLEANUP(free) char *line = NULL;
		size_t len;

		if (!*filters[i].value)
			continue;
		line = xasprintf("%s=%s", filters[i].name, filters[i].value);
		len = strlen(line);
		strbuf_addf(out, "%s   ", title);
		strbuf_add(out, line,
			   len > FILTER_BYTES_MAX ? FILTER_BYTES_MAX : len);
		strbuf_adds(out, len > FILTER_BYTES_MAX ? "\xe2\x80\xa6\n" :
							  "\n");
		title = "";
	}
}

/* "Dropped 3 nodes (cum <= 0.05s)" */
static void add_dropped(const struct report *report, size_t n,
			const char *what, double fraction,
			struct strbuf *out)
{
	if (!n)
		return;
	strbuf_addf(out, "Dropped %zu %s%s (%s <= ", n, what,
		    n > 1 ? "s" : "", *what == 'n' ? "cum" : "freq");
	report_add_value(report,
			 wrap_abs(int64_of_double((double)report->total *
						  fraction)), out);
	strbuf_adds(out, ")\n");
}

void report_add_graph_header(const struct report *report,
			     const struct graph *graph,
			     const struct trimming *trimming,
			     struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf percent = { 0 };
	size_t n = graph->order.n;
	int64_t shown = 0;

	for (size_t i = 0; i < n; i++)
		shown = wrap_add(shown, graph_flat(graph_listed(graph, i)));
	if (!report->settings->compact_labels || report->format->is_graph)
		report_add_profile_header(report, out);
	add_filters(report->settings, out);
	unit_add_percent(&percent, shown, report->total);
	strbuf_adds(out, "Showing nodes accounting for ");
	report_add_value(report, shown, out);
	strbuf_addf(out, ", %s of ",
		    percent.data + strspn(percent.data, " "));
	report_add_value(report, report->total, out);
	strbuf_adds(out, " total\n");
	if (!report->total)
		return;
	add_dropped(report, trimming->n_dropped_nodes, "node",
		    report->nodefraction, out);
	if (report->format->is_graph)
		add_dropped(report, trimming->n_dropped_edges, "edge",
			    report->edgefraction, out);
	if (n && n < trimming->n_before)
		strbuf_addf(out, "Showing top %zu nodes out of %zu\n", n,
			    trimming->n_before);
}
