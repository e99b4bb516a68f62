/* SPDX-License-Identifier: MIT */
/*
 * filter.h - cut frames out of stacks and samples out of a profile.
 *
 * Each follows the pprof option of its name, down to which of several matches
 * counts. "Matches" means the function's name or file, or the mapping's file.
 */
#ifndef REPORT_FILTER_H
#define REPORT_FILTER_H

#include "report/pp.h"
#include "report/regex.h"

struct name_filter { /* NULL: not asked for */
	struct regex *focus, *ignore, *hide, *show;
};

struct name_matches { /* did it match anything? */
	bool focus, ignore, hide, show;
};

/*
 * Keep samples with a frame that matches focus and none that matches ignore;
 * take out frames that match hide or do not match show.
 */
void pp_filter_names(struct pp *pp, const struct name_filter *filter,
		     struct name_matches *out);

/* Cut what is above the outermost match; drop samples without one. */
bool pp_show_from(struct pp *pp, struct regex *regex);

/* Cut what is below the innermost match; names without parameters. */
void pp_prune_from(struct pp *pp, struct regex *regex);

/*
 * Cut the frames that match drop_frames of the profile, and what is below
 * them, as the profile's writer wished. A bad pattern is ignored.
 */
void pp_remove_uninteresting(struct pp *pp);

/* What frames are told apart by. */
struct aggregation {
	bool inlines, function, filename, line, column, address;
};

void pp_aggregate(struct pp *pp, const struct aggregation *keep);

#endif
