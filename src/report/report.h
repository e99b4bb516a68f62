/* SPDX-License-Identifier: MIT */
/*
 * report.h - from a profile and settings to the text of a report.
 *
 * One table of formats, one writer per file. report_make() works on a copy
 * of the profile, since filters change it; the profile can be used again.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/graph.h"
#include "report/regex.h"
#include "report/settings.h"
#include "report/tags.h"
#include "util/strbuf.h"

struct report;

/* A format that a profile can be shown in. */
struct report_format {
	const char *name;
	const char *arg;	/* name of its argument, or NULL */
	int default_nodecount;	/* for nodecount=-1 */
	int prompt_nodecount;	/* the same at the prompt; 0: no other */
	bool is_untrimmed;	/* shows all nodes */
	const char *extension;	/* of files; NULL: fit for a terminal */
	const char *image;	/* what dot is to make of it, or NULL */
	const char *viewer;	/* "browser", or a command; or NULL */
	bool is_graph;		/* calls matter, and not only functions */
	bool has_objects;	/* functions of different files stay apart */
	bool has_whole_numbers; /* so that small values need a small unit */
	const char *granularity; /* always this one; NULL: the setting */
	int inlines; /* 1: always, -1: never, 0: as the setting says */
	struct error *(*write)(struct report *report, struct strbuf *out);
};

extern const struct report_format report_formats[]; /* ends with name NULL */

const struct report_format *report_format_find(const char *name);

struct report {
	const struct report_format *format;
	const struct settings *settings;
	struct pp *pp; /* filtered */
	struct tag_units units;
	struct regex *symbol; /* the format's argument, or NULL */
	size_t type;	      /* index of the sample type */
	int64_t total;	      /* of all samples before filters */
	double ratio;	      /* to multiply values with: 1 / divide_by */
	size_t nodecount;     /* 0: all */
	double nodefraction, edgefraction;
	char *type_name; /* "mean_..." with -mean */
	const char *unit; /* of the values */
	char *shown_unit;  /* "minimum" until it is chosen */
};

/*
 * The report of @format on @pp, with @arg for its argument (NULL if it takes
 * none), appended to @out.
 */
struct error *report_make(const struct pp *pp,
			  const struct report_format *format, const char *arg,
			  const struct settings *settings,
			  struct strbuf *out) MUST_USE;

/*
 * The largest cum among the nodes, in percent of the total: with a diff base
 * the most that anything grew. *@out_name (to be freed) is what did, or NULL.
 */
struct error *report_find_growth(const struct pp *pp,
				 const struct settings *settings,
				 double *out_percent,
				 char **out_name) MUST_USE;

/* The index of the sample type called @name or numbered so; "": default. */
struct error *report_find_type(const struct pp *pp, const char *name,
			       size_t *out) MUST_USE;

/* The lines on top of a session: File, Type, Time, Duration; and advice. */
void report_describe(const struct pp *pp, const struct settings *settings,
		     struct strbuf *out);

/* --- for the writers -------------------------------------------------- */

/* What was trimmed off a graph, for the header. */
struct trimming {
	size_t n_before; /* nodes that were there before nodecount */
	size_t n_dropped_nodes, n_dropped_edges;
};

/* The graph as the settings want it, sorted, linked, its unit chosen. */
struct graph *report_graph(struct report *report, struct trimming *out);

/* The same for a picture; with its tags, which the caller clears. */
struct graph_tags;
struct graph *report_visual_graph(struct report *report, struct trimming *out,
				  struct graph_tags *out_tags);

/* All nodes, nothing trimmed, in any order. */
struct graph *report_whole_graph(struct report *report);

/* @value divided by divide_by. */
int64_t report_apply_ratio(const struct report *report, int64_t value);

/* Append @value in the report's unit. */
void report_add_value(const struct report *report, int64_t value,
		      struct strbuf *out);
/* The same, right-aligned in @width columns. */
void report_add_value_right(const struct report *report, int64_t value,
			    size_t width, struct strbuf *out);

/* @text as a string of JSON, also fit for HTML. */
void report_add_json(const char *text, struct strbuf *out);

/* header.c: lines on the profile as such; on what of it is shown. */
void report_add_profile_header(const struct report *report,
			       struct strbuf *out);
void report_add_graph_header(const struct report *report,
			     const struct graph *graph,
			     const struct trimming *trimming,
			     struct strbuf *out);

#endif
