/* SPDX-License-Identifier: MIT */
/* source.h - from the files named on a command line to one profile. */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include "report/origin.h"
#include "report/pp.h"
#include "util/error.h"

struct sources {
	char *const *files; /* or URLs; merged */
	size_t n_files;
	char *const *bases; /* subtracted, merged; n_bases 0: none */
	size_t n_bases;
	bool is_diff;	    /* percentages are of the base */
	bool is_normalized; /* scaled to the sums of the base */
	bool keeps_all_frames; /* also those that drop_frames names */
	/* Each may be NULL: */
	const char *program;  /* in place of the first mapping's file */
	const char *build_id; /* of the first mapping, if it has none */
	const char *comment;  /* to add */
	int64_t seconds, timeout_s; /* of what is fetched; <= 0: not said */
	struct fetch_tls tls;
	/* To find the binaries of one profile, and to name what has no names
	 * once all are merged; each may be NULL. */
	void (*locate)(void *ctx, struct pp *pp);
	struct error *(*symbolize)(void *ctx, struct pp *pp,
				   const struct origins *origins);
	void *ctx; /* of both */
};

/*
 * Read, or fetch, merge, subtract. A file that cannot be read is told and left
 * out; an error if none of them can be, or if they do not fit together.
 */
struct error *sources_fetch(const struct sources *sources,
			    struct intern *strings, struct pp **out) MUST_USE;

#endif
