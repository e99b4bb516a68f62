/* SPDX-License-Identifier: MIT */
/*
 * legacy.h - the parts of the readers of formats older than profile.proto.
 *
 * A reader says whether the bytes are its own, collects samples, which are
 * addresses and values, and leaves it to legacy_finish() to make locations,
 * stacks and mappings of them. Known are those that pprof knows, and each
 * means the same here: gperftools' CPU words, heap, growth and contention
 * texts, Go's counts, threadz, and the Java forms of the first three.
 */
#ifndef REPORT_LEGACY_H
#define REPORT_LEGACY_H

#include "report/pp.h"
#include "util/error.h"
#include "util/strbuf.h"

enum { LEGACY_LINE_BYTES_MAX = 65536 - 1 };

enum legacy_outcome {
	LEGACY_DONE,
	LEGACY_OTHER,  /* another format, or none */
	LEGACY_BROKEN, /* this format, but see legacy.error */
};

/* --- legacy_text.c: lines and numbers ----------------------------------- */

struct lines { /* lines_next() makes the first one the current line */
	const char *at, *end;
	struct strbuf line;
	char *text;	/* of the line, without blanks around it */
	const char *raw; /* with those in front of it */
	unsigned long number;
	bool is_too_long;
};

bool lines_next(struct lines *lines);
void lines_clear(struct lines *lines);
bool line_is_blank(const struct lines *lines); /* or a comment */
bool line_starts_with(const struct lines *lines, const char *prefix);
/* Does the list of mapped files begin behind this line? */
bool line_is_sentinel(const struct lines *lines);

/*
 * Find in @text what @pattern says: '#' is a run of digits, '-' the same with
 * or without a sign, ' ' any number of blanks, '+' at least one, '_' one, any
 * other character itself. @numbers are where the runs begin. NULL, or what
 * follows.
 */
const char *text_find(const char *text, const char *pattern,
		      const char **numbers);
/* The same, but at the start of @text only. */
const char *text_match(const char *text, const char *pattern,
		       const char **numbers);

/* The run of digits at @text; false if it is too large. */
bool text_int(const char *text, int64_t *out);
/* The same; "010" is 8, "0x10" 16, and nothing may follow but blanks. */
bool text_int_any_base(const char *text, int64_t *out);
/* A run of hexadecimal digits; false if it is too large. */
bool text_hex(const char *text, uint64_t *out);

/* --- legacy.c: samples ------------------------------------------------ */

struct legacy_sample {
	size_t first_address, n_addresses;
	int64_t values[4];
	int64_t block_bytes; /* for the label "bytes", if has_block */
	bool has_block;
};

struct legacy {
	struct pp *pp;
	const char *data;
	size_t len;
	struct vec addresses; /* uint64_t, leaf first */
	struct vec samples;   /* struct legacy_sample */
	struct vec frames;    /* uint32_t, of legacy_finish() */
	struct map locations; /* address -> location */
	/* The second frame is dropped where it is the leaf once more. */
	bool has_double_leaves;
	struct error *error;
};

/* A sample without addresses, good until the next one is begun. */
struct legacy_sample *legacy_add_sample(struct legacy *legacy);
void legacy_add_address(struct legacy *legacy, uint64_t address);

/* All of "0x..." in @text, less one, as they are the callers' next ones. */
bool legacy_add_addresses(struct legacy *legacy, const char *text,
			  unsigned less);

void legacy_add_type(struct legacy *legacy, const char *type,
		     const char *unit);
void legacy_set_period(struct legacy *legacy, const char *type,
		       const char *unit, int64_t period);

/* What a sample of this size stands for if each byte has a chance 1/rate. */
void legacy_scale(int64_t *count, int64_t *bytes, int64_t rate);

enum legacy_outcome legacy_fail(struct legacy *legacy, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
/* "malformed sample: LINE" */
enum legacy_outcome legacy_fail_line(struct legacy *legacy,
				     const struct lines *lines);

/* Locations and stacks of what was collected. */
enum legacy_outcome legacy_make_samples(struct legacy *legacy);
/* The same, and each location in its mapping. */
enum legacy_outcome legacy_finish(struct legacy *legacy);

/* --- legacy_maps.c: mapped files -------------------------------------- */

/* Skip to the list of mapped files, if there is one, and read it. */
enum legacy_outcome legacy_read_maps(struct legacy *legacy,
				     struct lines *lines);
/* Of the lines that are left. */
enum legacy_outcome legacy_read_map_lines(struct legacy *legacy,
					  struct lines *lines);
/* Give each location its mapping; both may be put right. */
enum legacy_outcome legacy_find_mappings(struct legacy *legacy);

/* --- the formats ------------------------------------------------------ */

/* Are these the header's words? */
bool legacy_is_cpu(const char *data, size_t len);

enum legacy_outcome legacy_read_cpu(struct legacy *legacy);
enum legacy_outcome legacy_read_heap(struct legacy *legacy);
enum legacy_outcome legacy_read_count(struct legacy *legacy);
enum legacy_outcome legacy_read_threads(struct legacy *legacy);
enum legacy_outcome legacy_read_contention(struct legacy *legacy);
enum legacy_outcome legacy_read_java(struct legacy *legacy);

/* legacy_java.c: names for what the samples have, from the rest of a file. */
enum legacy_outcome legacy_read_java_names(struct legacy *legacy,
					   const char *at);

#endif
