/* SPDX-License-Identifier: MIT */
/*
 * weblist.h - source lines with the instructions they were made of.
 *
 * The lines are those of functions that match, with their sums as in list,
 * except that flat counts what was inlined there. An instruction belongs to
 * every such line on its chain of inlined calls: to that of the profile where
 * it was sampled, else to that of the debug information.
 */
#ifndef REPORT_WEBLIST_H
#define REPORT_WEBLIST_H

#include "report/codemap.h"
#include "report/listing.h"
#include "report/report.h"
#include "report/sum.h"

struct weblist_frame { /* innermost first */
	const char *function, *file;
	int64_t line;
};

struct weblist_code { /* one symbol, disassembled */
	uint32_t file;
	const struct objfile_symbol *symbol;
	struct objfile_code code;
	struct sum *sums;	/* by instruction */
	uint32_t *locations;	/* one sampled there, by instruction, or
				 * NO_ID */
};

/* An instruction below a line, with the calls inlined between the two. */
struct weblist_inst {
	uint32_t line, code, inst;
	uint32_t first_frame, n_frames;
};

struct weblist_line {
	uint32_t listing;
	int64_t number;
	struct sum sum;
	uint32_t first_inst, n_insts;
};

struct weblist {
	struct report *report;
	struct graph *graph;
	struct codemap map;
	struct intern listing_keys, line_keys, names;
	struct vec listings; /* struct listing */
	struct vec lines;    /* struct weblist_line, in no order */
	struct vec codes;    /* struct weblist_code */
	struct vec insts;    /* struct weblist_inst, by line and address */
	struct vec frames;   /* struct weblist_frame */
	struct vec name_listings; /* uint32_t, by names */
	uint32_t *line_of;   /* by line of the profile; NO_ID: no match */
};

/* The caller clears, in error too. */
struct error *weblist_make(struct report *report, struct graph *graph,
			   struct weblist *out) MUST_USE;
void weblist_clear(struct weblist *list);

/* The line @number of @listing, or NULL if nothing is known of it. */
const struct weblist_line *weblist_find_line(const struct weblist *list,
					     uint32_t listing,
					     int64_t number);

#endif
