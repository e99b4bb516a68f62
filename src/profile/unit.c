/* SPDX-License-Identifier: MIT */
/*
 * unit.c - units of memory and time, and the number formats of pprof.
 *
 * The rules are pprof's (its package "measurement"): "%.2f" without a
 * trailing ".00", 1024 for bytes, hours as the largest unit of time.
 */
#include "profile/unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#define UNIT_NAMES 4

struct unit {
	const char *name;
	double factor; /* to the first unit of its family */
	const char *aliases[UNIT_NAMES];
};

struct unit_family {
	const struct unit *units;
	size_t n;
	struct unit standard; /* for values below all units */
};

static const struct unit memory_units[] = {
	{ "B", 1, { "b", "byte" } },
	{ "kB", 0x1p10, { "kb", "kbyte", "kilobyte" } },
	{ "MB", 0x1p20, { "mb", "mbyte", "megabyte" } },
	{ "GB", 0x1p30, { "gb", "gbyte", "gigabyte" } },
	{ "TB", 0x1p40, { "tb", "tbyte", "terabyte" } },
	{ "PB", 0x1p50, { "pb", "pbyte", "petabyte" } },
};

static const struct unit time_units[] = {
	{ "ns", 1, { "ns", "nanosecond" } },
	{ "us", 1e3, { "us", "microsecond", "\xce\xbcs" } },
	{ "ms", 1e6, { "ms", "millisecond" } },
	{ "s", 1e9, { "s", "sec", "second" } },
	{ "hrs", 3600e9, { "hr", "hour" } },
};

/* What a "Google compute unit" is does not matter to scale it. */
static const struct unit gcu_units[] = {
	{ "n*GCU", 1e-9, { "nanogcu" } }, { "u*GCU", 1e-6, { "microgcu" } },
	{ "m*GCU", 1e-3, { "milligcu" } }, { "GCU", 1, { "gcu" } },
	{ "k*GCU", 1e3, { "kilogcu" } },  { "M*GCU", 1e6, { "megagcu" } },
	{ "G*GCU", 1e9, { "gigagcu" } },  { "T*GCU", 1e12, { "teragcu" } },
	{ "P*GCU", 1e15, { "petagcu" } },
};

static const struct unit_family unit_families[] = {
	{ memory_units, ARRAY_SIZE(memory_units), { "B", 1, { 0 } } },
	{ time_units, ARRAY_SIZE(time_units), { "s", 1e9, { 0 } } },
	{ gcu_units, ARRAY_SIZE(gcu_units), { "GCU", 1, { 0 } } },
};

/* Characters of UTF-8: bytes that do not continue one. */
static size_t count_characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* "Nanoseconds" is "nanosecond"; "s" stays "s". */
static bool unit_is_called(const struct unit *unit, const char *name)
{
	size_t len = strlen(name);

	if (count_characters(name) > 2 &&
	    (name[len - 1] == 's' || name[len - 1] == 'S'))
		len--;
	for (size_t i = 0; i < UNIT_NAMES && unit->aliases[i]; i++)
		if (strlen(unit->aliases[i]) == len &&
		    !strncasecmp(unit->aliases[i], name, len))
			return true;
	return false;
}

static const struct unit *unit_find(const struct unit_family *family,
				    const char *name)
{
	for (size_t i = 0; i < family->n; i++)
		if (unit_is_called(&family->units[i], name))
			return &family->units[i];
	return NULL;
}

static const struct unit_family *unit_family_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_families); i++)
		if (unit_find(&unit_families[i], name))
			return &unit_families[i];
	return NULL;
}

bool unit_is_kin(const char *a, const char *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_families); i++)
		if (unit_find(&unit_families[i], a) &&
		    unit_find(&unit_families[i], b))
			return true;
	return false;
}

/* The largest unit of which @value (in the first unit) has at least one. */
static const struct unit *unit_fitting(const struct unit_family *family,
				       double value)
{
	const struct unit *best = &family->standard;

	for (size_t i = 0; i < family->n; i++)
		if (value / family->units[i].factor >= 1)
			best = &family->units[i];
	return best;
}

const char *unit_natural(int64_t value, const char *unit)
{
	const struct unit_family *family = unit_family_of(unit);

	if (!family)
		return "";
	return unit_fitting(family, fabs((double)value) *
				    unit_find(family, unit)->factor)->name;
}

const char *unit_for_range(int64_t min, int64_t max, const char *unit)
{
	const char *small = unit_natural(min, unit);
	const char *large = unit_natural(max, unit);

	/* 0.01 is the least that is shown, so a unit 100 times as large
	 * still shows the smallest value. */
	if (strcmp(small, large) && (double)min * 100 < (double)max)
		small = unit_natural(min * 100, unit);
	return small[0] ? small : unit;
}

static bool unit_is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

double unit_scale(int64_t value, const char *from, const char *to,
		  const char **out_unit)
{
	static const char *const automatic[] = { "minimum", "auto", NULL };
	static const char *const silent[] = { "count", "sample", "unit",
					      "minimum", "auto", NULL };
	const struct unit_family *family = unit_family_of(from);
	const struct unit *unit;
	double scaled = (double)value;

	if (!family) {
		*out_unit = unit_is_one_of(to, silent) ? "" : to;
		return scaled;
	}
	scaled *= unit_find(family, from)->factor;
	unit = unit_find(family, to);
	if (unit_is_one_of(to, automatic)) /* INT64_MIN has no -value */
		unit = unit_fitting(family, value == INT64_MIN ? scaled :
								 fabs(scaled));
	else if (!unit)
		unit = &family->standard;
	*out_unit = unit->name;
	return scaled / unit->factor;
}

void unit_add_value(struct strbuf *out, int64_t value, const char *unit,
		    const char *shown)
{
	double scaled = unit_scale(value, unit, shown, &shown);
	char number[400]; /* DBL_MAX has 309 digits */
	size_t len;

	len = (size_t)snprintf(number, sizeof(number), "%.2f", scaled);
	if (len > 3 && !strcmp(number + len - 3, ".00"))
		number[len - 3] = '\0';
	if (!strcmp(number, "0") || !strcmp(number, "-0"))
		strbuf_addc(out, '0');
	else
		strbuf_addf(out, "%s%s", number, shown);
}

void unit_add_percent(struct strbuf *out, int64_t value, int64_t total)
{
	double percent = 0;

	if (total)
		percent = fabs((double)value / (double)total) * 100;
	if (percent >= 99.95 && percent <= 100.05)
		strbuf_adds(out, "  100%");
	else if (percent >= 1)
		strbuf_addf(out, "%5.2f%%", percent);
	else
		strbuf_addf(out, "%5.2g%%", percent);
}
