/* SPDX-License-Identifier: MIT */
/* listing.c - what list, disasm and weblist have in common. */
#include "report/listing.h"

#include "profile/unit.h"

#define MARGIN_LINES 5
#define SHOWN_FRACTION 0.005 /* nodefraction that hides no function */

void listing_widen(struct listing *listing, const struct node_info *info)
{
	int64_t first = info->start_line ? info->start_line
					 : info->line - MARGIN_LINES;

	if (first < listing->first)
		listing->first = first;
	if (info->line + MARGIN_LINES > listing->last)
		listing->last = info->line + MARGIN_LINES;
}

void report_add_value_or_dot(const struct report *report, int64_t value,
			     struct strbuf *out)
{
	if (value)
		report_add_value_right(report, value, 10, out);
	else
		text_add_right(out, ".", 10);
	strbuf_adds(out, " ");
}

void report_add_sums(const struct report *report, int64_t flat, int64_t cum,
		     const char *end, struct strbuf *out)
{
	report_add_value_right(report, flat, 10, out);
	strbuf_adds(out, " ");
	report_add_value_right(report, cum, 10, out);
	strbuf_adds(out, " (flat, cum) ");
	unit_add_percent(out, cum, report->total);
	strbuf_adds(out, end);
}

int64_t report_listing_cutoff(const struct report *report)
{
	double fraction = report->settings->nodefraction;

	return fraction == SHOWN_FRACTION ? 0 :
	       wrap_abs(int64_of_double((double)report->total * fraction));
}

void report_add_hidden(const struct report *report, size_t n_hidden,
		       int64_t cutoff, struct strbuf *out)
{
	if (!n_hidden)
		return;
	strbuf_addf(out, "Hidden %zu function%s (cum <= ", n_hidden,
		    n_hidden == 1 ? "" : "s");
	report_add_value(report, cutoff, out);
	strbuf_adds(out, ")\n");
}
