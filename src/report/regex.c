/* SPDX-License-Identifier: MIT */
/* regex.c - the reports' only user of PCRE2. */
#include "report/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 1000000 /* steps; some milliseconds */
#define HEAP_LIMIT_KB 20000

struct regex {
	char *pattern;
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	bool is_exhausted;
};

struct error *regex_new(const char *pattern, struct regex **out)
{
	int err;
	PCRE2_SIZE offset;
	PCRE2_UCHAR text[120];
	pcre2_code *code = pcre2_compile(
		(PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
		&err, &offset, NULL);
	struct regex *regex;

	if (!code) {
		pcre2_get_error_message(err, text, sizeof(text));
		return error_hint(error_new("%s: %s at character %zu", pattern,
					    (const char *)text, offset),
				  "for these characters themselves: \\Q%s\\E",
				  pattern);
	}
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* or interpret it */
	regex = xcalloc(1, sizeof(*regex));
	regex->pattern = xstrdup(pattern);
	regex->code = code;
	regex->data = pcre2_match_data_create_from_pattern(code, NULL);
	regex->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(regex->context, MATCH_LIMIT);
	pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KB);
	*out = regex;
	return NULL;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_match_context_free(regex->context);
	pcre2_match_data_free(regex->data);
	pcre2_code_free(regex->code);
	free(regex->pattern);
	free(regex);
}

static int match(struct regex *regex, const char *text)
{
	/* Text is checked when it is read. */
	int n = pcre2_match(regex->code, (PCRE2_SPTR)text, strlen(text), 0,
			    PCRE2_NO_UTF_CHECK, regex->data, regex->context);

	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		regex->is_exhausted = true;
	return n;
}

bool regex_matches(struct regex *regex, const char *text)
{
	return match(regex, text) >= 0;
}

bool regex_find(struct regex *regex, const char *text, unsigned group,
		size_t *out_start, size_t *out_end)
{
	const PCRE2_SIZE *bounds;

	if (match(regex, text) < 0)
		return false;
	bounds = pcre2_get_ovector_pointer(regex->data);
	if (group >= pcre2_get_ovector_count(regex->data) ||
	    bounds[2 * group] == PCRE2_UNSET)
		return false;
	*out_start = bounds[2 * group];
	*out_end = bounds[2 * group + 1];
	return true;
}

bool regex_is_exhausted(const struct regex *regex)
{
	return regex->is_exhausted;
}

const char *regex_pattern(const struct regex *regex)
{
	return regex->pattern;
}
