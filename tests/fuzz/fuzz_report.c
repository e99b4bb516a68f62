/* SPDX-License-Identifier: MIT */
/*
 * fuzz_report.c - every report on a profile of any bytes.
 *
 *	byte 0: the report; byte 1: how fine; byte 2: flags; the rest: a profile
 *
 * Left out are reports that open files that the profile names, or run other
 * programs.
 */
#include <assert.h>

#include "fuzz.h"
#include "report/read.h"
#include "report/report.h"
#include "report/source.h"
#include "util/log.h"

enum { HEAD_BYTES = 3 };

static bool is_left_out(const char *name)
{
	static const char *const names[] = {
		"list", "weblist", "disasm", "web", "svg", "png", "gif",
		"ps", "pdf", "gv", "evince", "eog", "kcachegrind",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static const struct report_format *choose_format(unsigned choice)
{
	size_t n = 0;

	for (const struct report_format *f = report_formats; f->name; f++)
		n += !is_left_out(f->name);
	choice %= n;
	for (const struct report_format *f = report_formats; f->name; f++)
		if (!is_left_out(f->name) && !choice--)
			return f;
	return NULL;
}

static void set(struct settings *settings, const char *name, const char *value)
{
	error_free(setting_set(settings, setting_find(name), value));
}

static void choose_settings(struct settings *settings, unsigned granularity,
			    unsigned flags)
{
	static const char *const granularities[] = {
		"functions", "filefunctions", "files", "lines", "addresses",
	};
	static const char *const flag_names[][2] = {
		{ "mean", "true" },	      { "sort", "cum" },
		{ "noinlines", "true" },      { "drop_negative", "true" },
		{ "unit", "auto" },	      { "tagroot", "k,thread" },
		{ "trim", "false" },	      { "showcolumns", "true" },
	};

	set(settings, "granularity",
	    granularities[granularity % ARRAY_SIZE(granularities)]);
	if (granularity & 0x80)
		set(settings, "sample_index", "0");
	if (granularity & 0x40)
		set(settings, "nodecount", "3");
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags >> i & 1)
			set(settings, flag_names[i][0], flag_names[i][1]);
}

static void show(const struct pp *pp, const uint8_t *head)
{
	const struct report_format *format = choose_format(head[0]);
	struct settings settings;
	struct strbuf text = { 0 };

	settings_init(&settings);
	choose_settings(&settings, head[1], head[2]);
	error_free(report_make(pp, format, format->arg ? "." : NULL,
			       &settings, &text));
	strbuf_clear(&text);
	settings_clear(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intern strings;
	struct pp *pp = NULL;

	if (size < HEAD_BYTES)
		return 0;
	log_set_level(LOG_ERROR);
	intern_init(&strings);
	error_free(pp_read_bytes(data + HEAD_BYTES, size - HEAD_BYTES,
				 &strings, &pp));
	if (pp)
		show(pp, data);
	pp_free(pp);
	intern_clear(&strings);
	return 0;
}
