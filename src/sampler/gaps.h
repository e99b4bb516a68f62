/* SPDX-License-Identifier: MIT */
/*
 * gaps.h - which modules of a profile lack names, and how much that matters.
 */
#ifndef SAMPLER_GAPS_H
#define SAMPLER_GAPS_H

#include "sampler/subject.h"
#include "symbol/symbol.h"

struct gap {
	const struct module *module; /* NULL: code made at run time */
	double unnamed; /* part of the profile with a frame without a name */
	double seen;	/* part of the profile with any of its frames */
};

/*
 * A struct gap for each module of a profile that was named, by falling
 * unnamed share of value @type, in @out.
 */
void gaps_find(const struct registry *registry,
	       struct symbolizer *symbolizer, size_t type, struct vec *out);

/*
 * "no symbols for libfoo.so.1 (12 % of samples): install libfoo1-dbgsym",
 * freed by the caller.
 */
char *gap_describe(const struct gap *gap, const struct symbolizer *symbolizer);

/* What is known of a module, be there a gap or not: for -v. */
char *gap_details(const struct gap *gap, const struct symbolizer *symbolizer);

#endif
