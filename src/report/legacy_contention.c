/* SPDX-License-Identifier: MIT */
/*
 * legacy_contention.c - how long locks were waited for: gperftools' contentionz
 * and Go's mutex and block profiles as text.
 *
 *	--- contentionz 1 ---
 *	cycles/second = 3201000000
 *	sampling period = 100
 *	ms since reset = 16502830
 *	19490304 27 @ 0x401136 0x401200
 */
#include "report/legacy.h"
#include "report/wrap.h"

#define BLANKS " \t\n\v\f\r"
#define NS_PER_MS 1000000

struct contention {
	struct legacy *legacy;
	int64_t cpu_hz;
};

static bool is_key(const char *line, const char *equals, const char *key)
{
	while (equals > line && strchr(BLANKS, equals[-1]))
		equals--;
	return strlen(key) == (size_t)(equals - line) &&
	       !strncmp(line, key, (size_t)(equals - line));
}

/* "sampling period = 100"; "format" and "resolution" are Java's. */
static bool read_attribute(struct contention *c, const char *line,
			   const char *equals)
{
	const char *value = equals + 1 + strspn(equals + 1, BLANKS);
	struct pp *pp = c->legacy->pp;
	int64_t ms;

	if (is_key(line, equals, "cycles/second"))
		return text_int_any_base(value, &c->cpu_hz);
	if (is_key(line, equals, "sampling period"))
		return text_int_any_base(value, &pp->period);
	if (is_key(line, equals, "discarded samples"))
		return true;
	if (!is_key(line, equals, "ms since reset") ||
	    !text_int_any_base(value, &ms))
		return false;
	pp->duration_ns = wrap_mul(ms, NS_PER_MS);
	return true;
}

/* Up to the first line that is no attribute, which stays the current one. */
static bool read_attributes(struct contention *c, struct lines *lines)
{
	while (lines_next(lines)) {
		const char *equals = strchr(lines->text, '=');

		if (line_is_blank(lines))
			continue;
		if (!strncmp(lines->text, "---", 3) || !equals)
			break;
		if (!read_attribute(c, lines->text, equals))
			return false;
	}
	return true;
}

/* `(\d+) *(\d+) @`: one run of digits alone is split before its last one. */
static const char *find_values(const char *line, const char *numbers[2],
			       char *first, size_t size)
{
	const char *apart = text_find(line, "#+#_@", numbers);
	const char *joined_number;
	const char *joined = text_find(line, "#_@", &joined_number);
	size_t n;

	if (!joined || (apart && numbers[0] < joined_number))
		return apart;
	n = strspn(joined_number, "0123456789") - 1;
	if (!n || n >= size)
		return NULL;
	memcpy(first, joined_number, n);
	first[n] = '\0';
	numbers[0] = first;
	numbers[1] = joined_number + n;
	return joined;
}

enum sample_result { SAMPLE_GOOD, SAMPLE_OTHER, SAMPLE_BROKEN };

/* Delay, then how often; a sampled one stands for as many as the period. */
static enum sample_result read_sample(struct contention *c, const char *line)
{
	int64_t period = c->legacy->pp->period, delay, count;
	const char *numbers[2];
	char first[24];
	const char *addresses = find_values(line, numbers, first,
					    sizeof(first));
	CLEANUP(free) char *list = NULL;
	struct legacy_sample *sample;

	if (!addresses)
		return SAMPLE_OTHER;
	if (!text_int(numbers[0], &delay) || !text_int(numbers[1], &count))
		return SAMPLE_BROKEN;
	if (period > 0) {
		if (c->cpu_hz > 0)
			delay = int64_of_double((double)delay *
						(double)period /
						((double)c->cpu_hz / 1e9));
		count = wrap_mul(count, period);
	}
	sample = legacy_add_sample(c->legacy);
	sample->values[0] = count;
	sample->values[1] = delay;
	list = xstrndup(addresses, strspn(addresses, " x0123456789abcdef"));
	return legacy_add_addresses(c->legacy, list, 1) ? SAMPLE_GOOD :
							  SAMPLE_BROKEN;
}

static enum legacy_outcome read_samples(struct contention *c,
					struct lines *lines)
{
	do {
		enum sample_result result = SAMPLE_GOOD;

		if (!strncmp(lines->text, "---", 3))
			break;
		if (!line_is_blank(lines))
			result = read_sample(c, lines->text);
		if (result == SAMPLE_OTHER)
			return LEGACY_OTHER;
		if (result == SAMPLE_BROKEN)
			return legacy_fail_line(c->legacy, lines);
	} while (lines_next(lines));
	if (lines->is_too_long)
		return legacy_fail_line(c->legacy, lines);
	return legacy_read_maps(c->legacy, lines);
}

enum legacy_outcome legacy_read_contention(struct legacy *legacy)
{
	struct lines lines = { .at = legacy->data,
			       .end = legacy->data + legacy->len };
	struct contention contention = { .legacy = legacy };
	enum legacy_outcome outcome = LEGACY_OTHER;

	legacy_add_type(legacy, "contentions", "count");
	legacy_add_type(legacy, "delay", "nanoseconds");
	legacy_set_period(legacy, "contentions", "count", 1);
	if (lines_next(&lines) &&
	    (line_starts_with(&lines, "--- contentionz ") ||
	     line_starts_with(&lines, "--- mutex:") ||
	     line_starts_with(&lines, "--- contention:")) &&
	    read_attributes(&contention, &lines))
		outcome = read_samples(&contention, &lines);
	lines_clear(&lines);
	return outcome == LEGACY_DONE ? legacy_finish(legacy) : outcome;
}
