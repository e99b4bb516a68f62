/* SPDX-License-Identifier: MIT */
/*
 * report.c - the table of formats, and the road to any of them.
 *
 * The order is pprof's and shows: frames of labels are made before filters,
 * so that filters see them; the total is taken before filters, unless
 * percentages are to be relative; granularity comes last.
 */
#include "report/report.h"

#include <stdio.h>

#include "profile/unit.h"
#include "report/filter.h"
#include "report/writers.h"
#include "util/log.h"

#define GRAPH(format, ending, dot_type, shown_by)                             \
	{ .name = format, .default_nodecount = 80, .is_graph = true,          \
	  .extension = ending, .image = dot_type, .viewer = shown_by,         \
	  .write = report_write_picture }

const struct report_format report_formats[] = {
	{ .name = "top", .prompt_nodecount = 10, .write = report_write_top },
	{ .name = "text", .prompt_nodecount = 10, .write = report_write_top },
	{ .name = "tree", .default_nodecount = 80,
	  .write = report_write_tree },
	{ .name = "peek", .arg = "REGEX", .is_untrimmed = true,
	  .write = report_write_tree },
	{ .name = "list", .arg = "REGEX", .is_untrimmed = true,
	  .has_objects = true, .granularity = "lines",
	  .write = report_write_list },
	{ .name = "disasm", .arg = "REGEX", .is_untrimmed = true,
	  .has_objects = true, .granularity = "addresses", .inlines = -1,
	  .write = report_write_disasm },
	{ .name = "weblist", .arg = "REGEX", .is_untrimmed = true,
	  .has_objects = true, .extension = "html", .viewer = "browser",
	  .granularity = "addresses", .inlines = 1,
	  .write = report_write_weblist },
	{ .name = "dot", .default_nodecount = 80, .is_graph = true,
	  .write = report_write_dot },
	GRAPH("svg", "svg", "svg", NULL),
	GRAPH("web", "svg", "svg", "browser"),
	GRAPH("png", "png", "png", NULL),
	GRAPH("gif", "gif", "gif", NULL),
	GRAPH("pdf", "pdf", "pdf", NULL),
	GRAPH("ps", "ps", "ps", NULL),
	GRAPH("eog", "svg", "svg", "eog"),
	GRAPH("evince", "pdf", "pdf", "evince"),
	GRAPH("gv", "ps", "ps", "gv --noantialias"),
	{ .name = "traces", .default_nodecount = 80,
	  .write = report_write_traces },
	{ .name = "tags", .default_nodecount = 80,
	  .write = report_write_tags },
	{ .name = "comments", .default_nodecount = 80,
	  .write = report_write_comments },
	{ .name = "raw", .is_untrimmed = true, .has_objects = true,
	  .granularity = "addresses", .write = report_write_raw },
	{ .name = "callgrind", .is_untrimmed = true, .has_objects = true,
	  .has_whole_numbers = true, .extension = "callgraph.out",
	  .granularity = "addresses", .write = report_write_callgrind },
	{ .name = "kcachegrind", .is_untrimmed = true, .has_objects = true,
	  .has_whole_numbers = true, .extension = "grind",
	  .viewer = "kcachegrind", .granularity = "addresses",
	  .write = report_write_callgrind },
	{ .name = "flamegraph", .is_untrimmed = true, .extension = "svg",
	  .write = report_write_flame },
	{ .name = "folded", .is_untrimmed = true,
	  .write = report_write_folded },
	{ .name = "speedscope", .is_untrimmed = true,
	  .extension = "speedscope.json", .write = report_write_speedscope },
	{ .name = "json", .write = report_write_json },
	{ .name = "info", .is_untrimmed = true, .granularity = "addresses",
	  .write = report_write_info },
	{ .name = "proto", .is_untrimmed = true, .extension = "pb.gz",
	  .granularity = "addresses", .write = report_write_proto },
	{ .name = "topproto", .extension = "pb.gz",
	  .write = report_write_topproto },
	{ .name = NULL },
};

const struct report_format *report_format_find(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* --- filters ---------------------------------------------------------- */

static struct error *compile(const char *name, const char *pattern,
			     struct regex **out)
{
	struct error *error = NULL;

	*out = NULL;
	if (*pattern)
		error = regex_new(pattern, out);
	return error ? error_wrap(error, "parsing %s regexp", name) : NULL;
}

static void tell_no_match(const struct regex *regex, bool is_matched,
			  const char *option)
{
	if (regex && regex_is_exhausted(regex))
		log_warning("%s expression took too long on some names, "
			    "which count as not matching", option);
	if (regex && !is_matched)
		log_notice("%s expression matched no samples", option);
}

static struct error *filter_by_name(struct report *report)
{
	const struct settings *s = report->settings;
	CLEANUP(regex_free) struct regex *focus = NULL;
	CLEANUP(regex_free) struct regex *ignore = NULL;
	CLEANUP(regex_free) struct regex *hide = NULL;
	CLEANUP(regex_free) struct regex *show = NULL;
	CLEANUP(regex_free) struct regex *show_from = NULL;
	struct error *error = compile("focus", s->focus, &focus);
	struct name_matches found;

	if (!error)
		error = compile("ignore", s->ignore, &ignore);
	if (!error)
		error = compile("hide", s->hide, &hide);
	if (!error)
		error = compile("show", s->show, &show);
	if (!error)
		error = compile("show_from", s->show_from, &show_from);
	if (error)
		return error;
	pp_filter_names(report->pp,
			&(struct name_filter){ focus, ignore, hide, show },
			&found);
	tell_no_match(focus, found.focus, "Focus");
	tell_no_match(ignore, found.ignore, "Ignore");
	tell_no_match(hide, found.hide, "Hide");
	tell_no_match(show, found.show, "Show");
	if (show_from)
		tell_no_match(show_from, pp_show_from(report->pp, show_from),
			      "ShowFrom");
	return NULL;
}

static struct error *filter_by_tag(struct report *report)
{
	const struct settings *s = report->settings;
	CLEANUP(tag_filter_free) struct tag_filter *focus = NULL;
	CLEANUP(tag_filter_free) struct tag_filter *ignore = NULL;
	struct tag_matches found;
	struct error *error = tag_filter_new("tagfocus", s->tagfocus, &focus);

	if (!error)
		error = tag_filter_new("tagignore", s->tagignore, &ignore);
	if (error)
		return error;
	if (focus || ignore)
		pp_filter_tags(report->pp, &report->units, focus, ignore,
			       &found);
	if (focus && !found.focus)
		log_notice("TagFocus expression matched no samples");
	if (ignore && !found.ignore)
		log_notice("TagIgnore expression matched no samples");
	return NULL;
}

static struct error *filter_tag_names(struct report *report)
{
	const struct settings *s = report->settings;
	CLEANUP(regex_free) struct regex *show = NULL;
	CLEANUP(regex_free) struct regex *hide = NULL;
	CLEANUP(regex_free) struct regex *prune_from = NULL;
	struct tag_matches found;
	struct error *error = compile("tagshow", s->tagshow, &show);

	if (!error)
		error = compile("taghide", s->taghide, &hide);
	if (!error)
		error = compile("prune_from", s->prune_from, &prune_from);
	if (error)
		return error;
	if (show || hide) {
		pp_filter_tag_names(report->pp, show, hide, &found);
		tell_no_match(show, found.focus, "TagShow");
		tell_no_match(hide, found.ignore, "TagHide");
	}
	if (prune_from)
		pp_prune_from(report->pp, prune_from);
	return NULL;
}

static struct error *apply_filters(struct report *report)
{
	struct error *error = filter_by_name(report);

	if (!error)
		error = filter_by_tag(report);
	if (!error)
		error = filter_tag_names(report);
	return error;
}

static void add_label_frames(struct report *report)
{
	const struct settings *s = report->settings;
	struct tag_matches found = pp_add_label_frames(
		report->pp, s->tagroot, s->tagleaf, s->unit);

	if (*s->tagroot && !found.focus)
		log_notice("TagRoot expression matched no samples");
	if (*s->tagleaf && !found.ignore)
		log_notice("TagLeaf expression matched no samples");
}

static void apply_granularity(struct report *report)
{
	const struct settings *s = report->settings;
	const char *g = report->format->granularity ?
				report->format->granularity : s->granularity;
	int inlines = report->format->inlines;
	struct aggregation keep = { .inlines = inlines ? inlines > 0 :
							 !s->noinlines,
				    .column = s->showcolumns };

	if (!strcmp(g, "addresses")) {
		if (keep.inlines)
			return;
		keep.address = true;
	}
	keep.line = keep.address || !strcmp(g, "lines");
	keep.filename = keep.line || !strcmp(g, "files") ||
			!strcmp(g, "filefunctions");
	keep.function = strcmp(g, "files") != 0;
	pp_aggregate(report->pp, &keep);
}

/* --- values ------------------------------------------------------------ */

struct error *report_find_type(const struct pp *pp, const char *name,
			       size_t *out)
{
	const char *plain = strncmp(name, "inuse_", 6) ? name : name + 6;
	CLEANUP(strbuf_clear) struct strbuf all = { 0 };
	char *end;
	long number = strtol(name, &end, 10);

	if (!pp->types.n)
		return error_new("profile has no samples");
	if (*name && !*end) {
		if (number < 0 || (unsigned long)number >= pp->types.n)
			return error_new("sample_index %s is outside the "
					 "range [0..%zu]", name,
					 pp->types.n - 1);
		*out = (size_t)number;
		return NULL;
	}
	*out = pp->types.n - 1;
	for (size_t i = 0; i < pp->types.n; i++) {
		const struct pp_type *type = vec_at(&pp->types, i);
		const char *text = pp_text(pp, type->type);
		bool is_it = *name ? !strcmp(text, name) ||
					     !strcmp(text, plain) :
				     pp->default_type == type->type;

		*out = i;
		if (is_it && (*name || pp->default_type))
			return NULL;
		strbuf_addf(&all, "%s%s", i ? " " : "", text);
	}
	return *name ? error_new("sample_index \"%s\" must be one of: [%s]",
				 name, all.data) : NULL;
}

static int64_t compute_total(const struct report *report)
{
	const struct pp *pp = report->pp;
	CLEANUP(free) bool *is_base = pp_find_base_sets(pp);
	int64_t total = 0, divisor = 0, base_total = 0, base_divisor = 0;

	for (size_t i = 0; i < pp->samples.n; i++) {
		const struct pp_sample *sample = vec_at(&pp->samples, i);
		const int64_t *values = pp_values(pp, sample);
		int64_t value = wrap_abs(values[report->type]);
		int64_t d = report->settings->mean ? values[0] : 0;

		total = wrap_add(total, value);
		divisor = wrap_add(divisor, d);
		if (!is_base[sample->labels])
			continue;
		base_total = wrap_add(base_total, value);
		base_divisor = wrap_add(base_divisor, d);
	}
	if (base_total > 0) {
		total = base_total;
		divisor = base_divisor;
	}
	return divisor ? wrap_div(total, divisor) : total;
}

int64_t report_apply_ratio(const struct report *report, int64_t value)
{
	if (report->ratio > 0 && report->ratio != 1)
		return int64_of_double((double)value * report->ratio);
	return value;
}

void report_add_value(const struct report *report, int64_t value,
		      struct strbuf *out)
{
	unit_add_value(out, report_apply_ratio(report, value), report->unit,
		       report->shown_unit);
}

void report_add_value_right(const struct report *report, int64_t value,
			    size_t width, struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };

	report_add_value(report, value, &text);
	text_add_right(out, text.data, width);
}

/* --- the road ----------------------------------------------------------- */

static struct error *prepare(struct report *report)
{
	const struct settings *s = report->settings;
	const struct pp_type *type;
	bool is_trimmed = s->trim && !report->format->is_untrimmed;
	int nodecount = s->nodecount == -1 ?
				report->format->default_nodecount :
				s->nodecount;
	struct error *error = report_find_type(report->pp, s->sample_index,
					       &report->type);

	if (error)
		return error;
	if (s->divide_by == 0)
		return error_new("zero divisor specified");
	type = vec_at(&report->pp->types, report->type);
	report->type_name = xasprintf("%s%s", s->mean ? "mean_" : "",
				      pp_text(report->pp, type->type));
	report->unit = pp_text(report->pp, type->unit);
	report->shown_unit = xstrdup(s->unit);
	report->ratio = 1 / s->divide_by;
	if (is_trimmed) {
		report->nodecount = nodecount > 0 ? (size_t)nodecount : 0;
		report->nodefraction = s->nodefraction;
		report->edgefraction = s->edgefraction;
	}
	return NULL;
}

static struct error *write_filtered(struct report *report, struct strbuf *out)
{
	bool is_relative = report->settings->relative_percentages;
	struct error *error = NULL;

	if (is_relative)
		error = apply_filters(report);
	if (!error)
		error = prepare(report);
	if (error)
		return error;
	report->total = compute_total(report);
	if (!is_relative)
		error = apply_filters(report);
	if (error)
		return error;
	apply_granularity(report);
	return report->format->write(report, out);
}

/* The road up to the format's writer, which gets the report. */
static struct error *make(const struct pp *pp, struct report *report,
			  struct strbuf *out)
{
	CLEANUP(pp_free) struct pp *copy = pp_copy(pp);
	struct error *error;

	report->pp = copy;
	tag_units_find(copy, &report->units);
	add_label_frames(report);
	error = write_filtered(report, out);
	tag_units_clear(&report->units);
	free(report->type_name);
	free(report->shown_unit);
	return error;
}

struct error *report_make(const struct pp *pp,
			  const struct report_format *format, const char *arg,
			  const struct settings *settings, struct strbuf *out)
{
	CLEANUP(regex_free) struct regex *symbol = NULL;
	struct report report = { .format = format, .settings = settings };
	struct error *error = NULL;

	if (arg)
		error = regex_new(arg, &symbol);
	if (error)
		return error_wrap(error, "parsing argument regexp");
	report.symbol = symbol;
	return make(pp, &report, out);
}

/* The name of the node with the largest cum, and "percent" before it. */
static struct error *write_growth(struct report *report, struct strbuf *out)
{
	CLEANUP(graph_free) struct graph *graph = report_whole_graph(report);
	struct graph_node *most = NULL;

	for (size_t i = 0; i < graph->order.n; i++) {
		struct graph_node *node = graph_listed(graph, i);

		if (node->cum > (most ? most->cum : 0))
			most = node;
	}
	if (most && report->total)
		strbuf_addf(out, "%.17g %s", 100 * (double)most->cum /
						     (double)report->total,
			    graph_name(graph, most));
	return NULL;
}

struct error *report_find_growth(const struct pp *pp,
				 const struct settings *settings,
				 double *out_percent, char **out_name)
{
	static const struct report_format format = {
		.name = "growth", .is_untrimmed = true,
		.write = write_growth,
	};
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	struct report report = { .format = &format, .settings = settings };
	struct error *error = make(pp, &report, &text);
	char *end;

	*out_percent = 0;
	*out_name = NULL;
	if (error || !text.len)
		return error;
	*out_percent = strtod(text.data, &end);
	*out_name = xstrdup(end + 1);
	return NULL;
}

void report_describe(const struct pp *pp, const struct settings *settings,
		     struct strbuf *out)
{
	CLEANUP(pp_free) struct pp *copy = pp_copy(pp);
	struct report report = { .format = report_formats,
				 .settings = settings, .pp = copy };
	struct error *error = prepare(&report);

	if (error) {
		error_free(error);
		return;
	}
	report.total = compute_total(&report);
	report_add_profile_header(&report, out);
	if (!report.total && pp->types.n > 1)
		strbuf_adds(out, "No samples were found with the default "
				 "sample value type.\nTry \"sample_index\" "
				 "command to analyze different sample "
				 "values.\n");
	free(report.type_name);
	free(report.shown_unit);
}
