/* SPDX-License-Identifier: MIT */
/* clock.c - times in nanoseconds. */
#include "util/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

int64_t clock_read_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return -1;
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

struct timespec timespec_of_ns(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_PER_S,
				  .tv_nsec = ns % NS_PER_S };
}

bool duration_parse(const char *text, int64_t *out_ns)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = {
		{ "", 1e9 },  { "s", 1e9 },   { "ms", 1e6 },
		{ "us", 1e3 }, { "ns", 1 },   { "m", 60e9 },
		{ "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	char *end;
	double value;

	if (!strchr("0123456789.", text[0]) || !text[0] ||
	    text[strspn(text, "0")] == 'x' || text[strspn(text, "0")] == 'X')
		return false;
	value = strtod(text, &end);
	if (end == text || !isfinite(value) || value < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].suffix))
			continue;
		if (value * units[i].ns >= 9.2e18)
			return false;
		*out_ns = (int64_t)llround(value * units[i].ns);
		return true;
	}
	return false;
}

char *duration_format(int64_t ns, char *buf, unsigned long size)
{
	if (ns < NS_PER_US)
		snprintf(buf, size, "%lldns", (long long)ns);
	else if (ns < NS_PER_MS)
		snprintf(buf, size, "%.3gus", (double)ns / 1e3);
	else if (ns < NS_PER_S)
		snprintf(buf, size, "%.3gms", (double)ns / 1e6);
	else
		snprintf(buf, size, "%.2fs", (double)ns / 1e9);
	return buf;
}
