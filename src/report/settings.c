/* SPDX-License-Identifier: MIT */
/* settings.c - the table of settings, and values from and to text. */
#include "report/settings.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "util/strbuf.h"

static const char *const sorts[] = { "cum", "flat", NULL };
static const char *const granularities[] = { "functions", "filefunctions",
					     "files", "lines", "addresses",
					     NULL };

#define BOOLEAN(name, initial)                                                \
	{ #name, SETTING_BOOL, offsetof(struct settings, name), NULL, initial }
#define TEXT(name, initial)                                                   \
	{ #name, SETTING_TEXT, offsetof(struct settings, name), NULL, initial }
#define CHOICE(name, choices, initial)                                        \
	{ #name, SETTING_TEXT, offsetof(struct settings, name), choices,      \
	  initial }

const struct setting settings_table[] = {
	TEXT(output, ""),
	BOOLEAN(relative_percentages, "false"),
	TEXT(unit, "minimum"),
	BOOLEAN(compact_labels, "false"),
	TEXT(source_path, ""),
	TEXT(trim_path, ""),
	BOOLEAN(call_tree, "false"),
	BOOLEAN(intel_syntax, "false"),
	TEXT(color, "auto"),
	BOOLEAN(pager, "true"),
	BOOLEAN(mean, "false"),
	TEXT(sample_index, ""),
	{ "divide_by", SETTING_FLOAT, offsetof(struct settings, divide_by),
	  NULL, "1" },
	BOOLEAN(normalize, "false"),
	CHOICE(sort, sorts, "flat"),
	TEXT(tagroot, ""),
	TEXT(tagleaf, ""),
	BOOLEAN(drop_negative, "false"),
	{ "nodecount", SETTING_INT, offsetof(struct settings, nodecount),
	  NULL, "-1" },
	{ "nodefraction", SETTING_FLOAT,
	  offsetof(struct settings, nodefraction), NULL, "0.005" },
	{ "edgefraction", SETTING_FLOAT,
	  offsetof(struct settings, edgefraction), NULL, "0.001" },
	BOOLEAN(trim, "true"),
	TEXT(focus, ""),
	TEXT(ignore, ""),
	TEXT(prune_from, ""),
	TEXT(hide, ""),
	TEXT(show, ""),
	TEXT(show_from, ""),
	TEXT(tagfocus, ""),
	TEXT(tagignore, ""),
	TEXT(tagshow, ""),
	TEXT(taghide, ""),
	BOOLEAN(noinlines, "false"),
	BOOLEAN(showcolumns, "false"),
	BOOLEAN(pprof_sums, "false"),
	CHOICE(granularity, granularities, ""),
	{ NULL, SETTING_BOOL, 0, NULL, NULL },
};

static void *setting_at(const struct settings *settings,
			const struct setting *setting)
{
	return (char *)(uintptr_t)settings + setting->offset;
}

static void setting_set_text(struct settings *settings,
			     const struct setting *setting, const char *value)
{
	char **place = setting_at(settings, setting);
	char *copy = xstrdup(value);

	free(*place);
	*place = copy;
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){ 0 };
	for (const struct setting *s = settings_table; s->name; s++) {
		if (s->type == SETTING_TEXT)
			setting_set_text(settings, s, s->initial);
		else
			error_free(setting_set(settings, s, s->initial));
	}
}

void settings_clear(struct settings *settings)
{
	for (const struct setting *s = settings_table; s->name; s++)
		if (s->type == SETTING_TEXT)
			free(*(char **)setting_at(settings, s));
	*settings = (struct settings){ 0 };
}

void settings_copy(struct settings *to, const struct settings *from)
{
	*to = *from;
	for (const struct setting *s = settings_table; s->name; s++)
		if (s->type == SETTING_TEXT)
			*(char **)setting_at(to, s) = xstrdup(
				*(char **)setting_at(from, s));
}

static bool names_are_equal(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(*a == '_' && *b == '-') &&
		    !(*a == '-' && *b == '_'))
			return false;
	return *a == *b;
}

const struct setting *setting_find(const char *name)
{
	for (const struct setting *s = settings_table; s->name; s++)
		if (names_are_equal(s->name, name))
			return s;
	return NULL;
}

const struct setting *setting_find_choice(const char *word)
{
	for (const struct setting *s = settings_table; s->name; s++)
		for (size_t i = 0; s->choices && s->choices[i]; i++)
			if (!strcmp(s->choices[i], word))
				return s;
	return NULL;
}

static struct error *set_bool(bool *out, const char *name, const char *value)
{
	static const char *const words[] = { "true", "t", "yes", "y", "1",
					     "", "false", "f", "no", "n",
					     "0" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(words[i], value)) {
			*out = i < 6;
			return NULL;
		}
	return error_new("bad value %s for %s: expected true or false", value,
			 name);
}

static struct error *set_choice(struct settings *settings,
				const struct setting *setting,
				const char *value)
{
	CLEANUP(strbuf_clear) struct strbuf all = { 0 };

	for (size_t i = 0; setting->choices[i]; i++)
		if (!strcmp(setting->choices[i], value)) {
			setting_set_text(settings, setting, value);
			return NULL;
		}
	for (size_t i = 0; setting->choices[i]; i++) {
		strbuf_adds(&all, i ? ", " : "");
		strbuf_adds(&all, setting->choices[i]);
	}
	return error_new("bad value %s for %s: expected one of %s", value,
			 setting->name, all.data);
}

struct error *setting_set(struct settings *settings,
			  const struct setting *setting, const char *value)
{
	void *place = setting_at(settings, setting);
	char *end;
	long number;
	double fraction;

	switch (setting->type) {
	case SETTING_BOOL:
		return set_bool(place, setting->name, value ? value : "true");
	case SETTING_INT:
		errno = 0;
		number = strtol(value, &end, 10);
		if (end == value || *end || errno || number < INT_MIN ||
		    number > INT_MAX)
			return error_new("bad value %s for %s: expected a "
					 "number", value, setting->name);
		*(int *)place = (int)number;
		return NULL;
	case SETTING_FLOAT:
		fraction = strtod(value, &end);
		if (end == value || *end || !isfinite(fraction))
			return error_new("bad value %s for %s: expected a "
					 "number", value, setting->name);
		*(double *)place = fraction;
		return NULL;
	case SETTING_TEXT:
		break;
	}
	if (setting->choices)
		return set_choice(settings, setting, value);
	setting_set_text(settings, setting, value);
	return NULL;
}

char *setting_text(const struct settings *settings,
		   const struct setting *setting)
{
	const void *place = setting_at(settings, setting);

	switch (setting->type) {
	case SETTING_BOOL:
		return xstrdup(*(const bool *)place ? "true" : "false");
	case SETTING_INT:
		return xasprintf("%d", *(const int *)place);
	case SETTING_FLOAT:
		return xasprintf("%g", *(const double *)place);
	case SETTING_TEXT:
		break;
	}
	return xstrdup(*(char *const *)place);
}
