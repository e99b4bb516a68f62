/* SPDX-License-Identifier: MIT */
/*
 * settings.h - what a report is asked to be: pprof's configuration.
 *
 * One table names every setting, its type and its place in the struct; the
 * command line, the prompt and the list of options are all driven by it.
 */
#ifndef REPORT_SETTINGS_H
#define REPORT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct source_server;

struct settings {
	char *output;
	bool relative_percentages, compact_labels, mean, normalize;
	char *unit, *source_path, *trim_path, *sample_index;
	double divide_by;
	char *sort, *granularity; /* granularity "": functions */
	char *tagroot, *tagleaf;
	bool drop_negative, trim, noinlines, showcolumns;
	bool intel_syntax, call_tree;
	char *color; /* auto, always, never */
	bool pager;  /* for what is longer than the terminal */
	bool pprof_sums; /* count recursion in list as pprof does */
	int nodecount; /* -1: as many as the report shows by itself */
	double nodefraction, edgefraction;
	char *focus, *ignore, *prune_from, *hide, *show, *show_from;
	char *tagfocus, *tagignore, *tagshow, *taghide;
	/* No setting by name: who is asked for sources, or NULL. */
	const struct source_server *source_server;
};

enum setting_type { SETTING_BOOL, SETTING_INT, SETTING_FLOAT, SETTING_TEXT };

struct setting {
	const char *name; /* as in pprof, with '_' */
	enum setting_type type;
	size_t offset;
	const char *const *choices; /* NULL, or all values, ends with NULL */
	const char *initial;
};

extern const struct setting settings_table[]; /* name NULL at the end */

void settings_init(struct settings *settings);
void settings_clear(struct settings *settings);
void settings_copy(struct settings *to, const struct settings *from);

/* By name, '-' being as good as '_'; NULL if there is none. */
const struct setting *setting_find(const char *name);

/* The setting of which @word is one of the choices, like "cum" or "lines". */
const struct setting *setting_find_choice(const char *word);

/* Set from text; NULL for a bool is true. */
struct error *setting_set(struct settings *settings,
			  const struct setting *setting,
			  const char *value) MUST_USE;

/* The value as text; the caller frees it. */
char *setting_text(const struct settings *settings,
		   const struct setting *setting);

#endif
