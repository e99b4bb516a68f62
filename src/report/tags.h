/* SPDX-License-Identifier: MIT */
/*
 * tags.h - labels of samples: their units, filters on them, and frames made
 * of them. Filters run once per set of labels.
 */
#ifndef REPORT_TAGS_H
#define REPORT_TAGS_H

#include "report/pp.h"
#include "report/regex.h"

/* The unit of each key of numeric labels: the first one met, or a guess. */
struct tag_units {
	struct map units; /* string_id of the key -> string_id of the unit */
};

/* Conflicting units of one key are told to the user. */
void tag_units_find(struct pp *pp, struct tag_units *out);
void tag_units_clear(struct tag_units *units);
const char *tag_unit(const struct tag_units *units, const struct pp *pp,
		     string_id key);

/* "[key=]REGEX[,REGEX...]" or "[key=]32kb", ":64kb", "4mb:", "1kb:2mb". */
struct tag_filter;

/* @name is the option's, for messages. NULL in *@out if @value is empty. */
struct error *tag_filter_new(const char *name, const char *value,
			     struct tag_filter **out) MUST_USE;
void tag_filter_free(struct tag_filter *filter);
DEFINE_CLEANUP(tag_filter_free, struct tag_filter *)

struct tag_matches { /* did it match anything? */
	bool focus, ignore;
};

/* Keep samples that match @focus and do not match @ignore (NULL: none). */
void pp_filter_tags(struct pp *pp, const struct tag_units *units,
		    struct tag_filter *focus, struct tag_filter *ignore,
		    struct tag_matches *out);

/* Forget labels whose key does not match @show or does match @hide. */
void pp_filter_tag_names(struct pp *pp, struct regex *show,
			 struct regex *hide, struct tag_matches *out);

/* Forget the string labels with this key. */
void pp_remove_label(struct pp *pp, const char *key);

/* Give every sample this string label, in place of others with its key. */
void pp_set_label(struct pp *pp, const char *key, const char *value);

/*
 * tagroot.c: frames made of label values, "a,b" being keys: a is the new root
 * for @roots, b the new leaf for @leaves. True where a sample had a value.
 */
struct tag_matches pp_add_label_frames(struct pp *pp, const char *roots,
				       const char *leaves, const char *unit);

#endif
