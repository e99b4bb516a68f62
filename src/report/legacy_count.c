/* SPDX-License-Identifier: MIT */
/*
 * legacy_count.c - what counts stacks: Go's profiles as text, and threadz.
 *
 *	goroutine profile: total 5	--- threadz 1 ---
 *	4 @ 0x401136 0x401200		--- Thread 7f (name: main/12) stack: ---
 *	#	0x401136 main.f		  PC: 0x401136 0x401200
 */
#include "report/legacy.h"

static void open_lines(const struct legacy *legacy, struct lines *lines)
{
	*lines = (struct lines){ .at = legacy->data,
				 .end = legacy->data + legacy->len };
	while (lines_next(lines) && line_is_blank(lines))
		;
}

/* --- Go's counts -------------------------------------------------------- */

/* "threadcreate profile: total 8": the length of the name, or 0. */
static size_t name_length(const char *line)
{
	size_t n = strcspn(line, " \t\n\v\f\r");
	const char *number, *end = NULL;

	if (n)
		end = text_match(line + n, "_profile:_total_#", &number);
	return end && !*end ? n : 0;
}

/* " 0x401136 0x401200" */
static bool add_stack(struct legacy *legacy, const char *text)
{
	const char *p = text;
	uint64_t address;

	while (*p) {
		size_t n;

		if (strncmp(p, " 0x", 3) != 0)
			return false;
		n = strspn(p += 3, "0123456789abcdef");
		if (!n || !text_hex(p, &address))
			return false;
		legacy_add_address(legacy, address - 1);
		p += n;
	}
	return p > text;
}

static enum legacy_outcome read_counts(struct legacy *legacy,
				       struct lines *lines)
{
	while (lines_next(lines) && !line_starts_with(lines, "---")) {
		const char *number, *stack;
		struct legacy_sample *sample;

		if (line_is_blank(lines))
			continue;
		stack = text_match(lines->raw, "#_@", &number);
		if (!stack)
			return legacy_fail_line(legacy, lines);
		sample = legacy_add_sample(legacy);
		if (!text_int_any_base(number, &sample->values[0]) ||
		    !add_stack(legacy, stack))
			return legacy_fail_line(legacy, lines);
	}
	if (lines->is_too_long)
		return legacy_fail_line(legacy, lines);
	return legacy_read_maps(legacy, lines);
}

enum legacy_outcome legacy_read_count(struct legacy *legacy)
{
	enum legacy_outcome outcome = LEGACY_OTHER;
	struct lines lines;
	size_t n;

	open_lines(legacy, &lines);
	n = name_length(lines.raw);
	if (n) {
		CLEANUP(free) char *name = xstrndup(lines.raw, n);

		legacy_add_type(legacy, name, "count");
		legacy_set_period(legacy, name, "count", 1);
		outcome = read_counts(legacy, &lines);
	}
	lines_clear(&lines);
	return outcome == LEGACY_DONE ? legacy_finish(legacy) : outcome;
}

/* --- threadz ------------------------------------------------------------ */

static bool has_thread_at(const char *p)
{
	const char *name, *end;
	size_t n = strspn(p, "0123456789abcdefABCDEF");

	if (!n || strncmp(p + n, " (name: ", 8) != 0)
		return false;
	name = p + n + 8;
	for (end = name; (end = strstr(end, ") stack: ---")); end++) {
		const char *digits = end;

		while (digits > name && digits[-1] >= '0' &&
		       digits[-1] <= '9')
			digits--;
		if (digits < end && digits > name && digits[-1] == '/')
			return true;
	}
	return false;
}

/* "--- Thread 7f12 (name: worker/12) stack: ---", anywhere in the line */
static bool is_thread(const char *line)
{
	while ((line = strstr(line, "--- Thread ")))
		if (has_thread_at(line += 11))
			return true;
	return false;
}

static bool is_threadz(const char *line)
{
	const char *number;

	while ((line = strstr(line, "--- threadz "))) {
		const char *end = text_match(line += 12, "#_", &number);

		if (end && !strncmp(end, "---", 3))
			return true;
	}
	return false;
}

/*
 * The lines up to the next thread; false if one is broken. A thread that is
 * the "same as previous thread" has no addresses.
 */
static bool read_thread(struct legacy *legacy, struct lines *lines)
{
	bool is_same = false;
	struct legacy_sample *sample = legacy_add_sample(legacy);

	sample->values[0] = 1;
	while (lines_next(lines)) {
		if (!strncmp(lines->text, "---", 3))
			break;
		if (strstr(lines->text, "same as previous thread"))
			is_same = true;
		else if (!legacy_add_addresses(legacy, lines->text, 0))
			return false;
	}
	if (!is_same && sample->n_addresses)
		return !lines->is_too_long;
	legacy->addresses.n = sample->first_address;
	legacy->samples.n--;
	if (legacy->samples.n)
		sample[-1].values[0]++;
	return !lines->is_too_long;
}

static void adjust_callers(struct legacy *legacy)
{
	for (size_t i = 0; i < legacy->samples.n; i++) {
		const struct legacy_sample *sample =
			vec_at(&legacy->samples, i);
		uint64_t *addresses =
			vec_at(&legacy->addresses, sample->first_address);

		for (size_t k = 1; k < sample->n_addresses; k++)
			addresses[k]--;
	}
}

static enum legacy_outcome read_threads(struct legacy *legacy,
					struct lines *lines)
{
	if (is_threadz(lines->raw))
		while (lines_next(lines) && !line_is_sentinel(lines) &&
		       *lines->raw != '-')
			;
	else if (!is_thread(lines->raw))
		return LEGACY_OTHER;
	legacy_add_type(legacy, "thread", "count");
	legacy_set_period(legacy, "thread", "count", 1);
	while (!line_is_sentinel(lines) &&
	       strncmp(lines->text, "---- no stack trace for", 23) != 0) {
		if (!is_thread(lines->text))
			return LEGACY_OTHER;
		if (!read_thread(legacy, lines))
			return legacy_fail_line(legacy, lines);
	}
	adjust_callers(legacy);
	legacy->has_double_leaves = true;
	return legacy_read_maps(legacy, lines);
}

enum legacy_outcome legacy_read_threads(struct legacy *legacy)
{
	enum legacy_outcome outcome;
	struct lines lines;

	open_lines(legacy, &lines);
	outcome = read_threads(legacy, &lines);
	lines_clear(&lines);
	return outcome == LEGACY_DONE ? legacy_finish(legacy) : outcome;
}
