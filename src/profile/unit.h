/* SPDX-License-Identifier: MIT */
/*
 * unit.h - values with units, formatted as pprof does it.
 */
#ifndef PROFILE_UNIT_H
#define PROFILE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/strbuf.h"

/* Are both units of memory, or both of time ...? */
bool unit_is_kin(const char *a, const char *b);

/*
 * The unit in which |@value| @unit reads best ("1.5 ms"); "" for counts. The
 * result is a constant, or @unit.
 */
const char *unit_natural(int64_t value, const char *unit);

/* The one unit for a table whose values lie between @min and @max. */
const char *unit_for_range(int64_t min, int64_t max, const char *unit);

/*
 * @value of unit @from in unit @to, where "minimum" and "auto" are the unit in
 * which it reads best; *@out_unit is what to write behind it.
 */
double unit_scale(int64_t value, const char *from, const char *to,
		  const char **out_unit);

/* Append @value, which is in @unit, in unit @shown: "12.50ms", "3", "0". */
void unit_add_value(struct strbuf *out, int64_t value, const char *unit,
		    const char *shown);

/* Append 100 * @value / @total as 6 columns: " 4.20%", "  100%". */
void unit_add_percent(struct strbuf *out, int64_t value, int64_t total);

#endif
