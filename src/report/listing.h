/* SPDX-License-Identifier: MIT */
/* listing.h - what list, disasm and weblist have in common. */
#ifndef REPORT_LISTING_H
#define REPORT_LISTING_H

#include "report/graph.h"
#include "report/report.h"
#include "report/sum.h"

/* The part of a file that a function has in a listing. */
struct listing {
	string_id name, file;
	int64_t first, last; /* lines to show */
	struct sum sum;
};

/* Show the line of @info as well, with some lines around it. */
void listing_widen(struct listing *listing, const struct node_info *info);

/* @value, but "." for 0, right-aligned in 10 columns, and a blank. */
void report_add_value_or_dot(const struct report *report, int64_t value,
			     struct strbuf *out);

/* "   1.2s    2.4s (flat, cum)  12% of Total", the rest being @end. */
void report_add_sums(const struct report *report, int64_t flat, int64_t cum,
		     const char *end, struct strbuf *out);

/*
 * In listings a nodefraction other than the default one hides functions: the
 * |cum| below which. The other tells of it, if @n_hidden is not 0.
 */
int64_t report_listing_cutoff(const struct report *report);
void report_add_hidden(const struct report *report, size_t n_hidden,
		       int64_t cutoff, struct strbuf *out);

#endif
