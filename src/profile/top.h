/* SPDX-License-Identifier: MIT */
/*
 * top.h - flat and cumulative values per function, as pprof's top shows it.
 *
 * A function that is on a stack several times (recursion) counts once per
 * sample in cum. Inlined functions count as functions of their own.
 */
#ifndef PROFILE_TOP_H
#define PROFILE_TOP_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* How the calls of a function look that are shown: which were inlined? */
enum top_inlining { TOP_NOT_INLINED, TOP_INLINED, TOP_PARTLY_INLINED };

struct top_row {
	const char *name; /* owned by the struct top */
	enum top_inlining inlining;
	int64_t flat, cum;
};

struct top {
	struct vec rows; /* struct top_row, |flat| descending, then name */
	int64_t total;	 /* sum of |value| over all samples */
	struct intern names;
};

/* The table of value @type_index, all functions. top_clear() it. */
void top_make(const struct profile *profile, size_t type_index,
	      struct top *out);
void top_clear(struct top *top);

/*
 * The first @n rows as text in pprof's layout ("flat flat% sum% cum cum%"),
 * values in the unit of @type_index scaled for reading. As in pprof's top,
 * functions with less than 0.5 % of the total in cum are left out, and what
 * is inlined is judged by the calls between the functions that are shown.
 */
void top_write(const struct profile *profile, const struct top *top,
	       size_t type_index, size_t n, struct strbuf *out);

#endif
