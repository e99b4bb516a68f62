/* SPDX-License-Identifier: MIT */
/* dot.h - what the parts of the report dot share. */
#ifndef REPORT_DOT_H
#define REPORT_DOT_H

#include "report/graph_visual.h"
#include "report/report.h"
#include "report/shorten.h"

struct dot {
	const struct report *report;
	struct graph *graph;
	const struct graph_tags *tags;
	struct shortener *shortener;
	uint32_t *numbers;  /* by node: N1, N2 ...; 0: not shown */
	bool *has_nodelets; /* by node */
	int64_t max_flat;
};

void dot_add_escaped(const char *text, struct strbuf *out);

/* dot_tags.c: boxes for the tags of @node, N@number; are there any? */
bool dot_add_nodelets(const struct dot *dot, uint32_t node, uint32_t number,
		      struct strbuf *out);

#endif
