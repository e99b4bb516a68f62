/* SPDX-License-Identifier: MIT */
/* shorten.c - the rules of pprof for names in call graphs. */
#include "report/shorten.h"

#include "report/regex.h"

#define ANONYMOUS "(anonymous namespace)::"

/* A name is what the first group of the first pattern that matches has. */
static const char *const patterns[] = {
	/* Go: the path of the package */
	"^(?:[\\w\\-\\.]+\\/)+([^.]+\\..+)",
	/* Java: packages and arguments */
	("^(?:[a-z]\\w*\\.)*([A-Z][\\w\\$]*\\.(?:<init>|[a-z][\\w\\$]*"
	 "(?:\\$\\d+)?))(?:(?:\\()|$)"),
	/* C++: namespaces before a class */
	"^(?:[_a-zA-Z]\\w*::)+(_*[A-Z]\\w*::~?[_a-zA-Z]\\w*(?:<.*>)?)",
};

/* Go: the version of a module within the path. */
static const char version_pattern[] =
	"^(.*?)/v(?:[2-9]|[1-9][0-9]+)([./].*)$";

struct shortener {
	struct regex *patterns[ARRAY_SIZE(patterns)];
	struct regex *version;
};

static struct regex *compile(const char *pattern)
{
	struct regex *regex = NULL;

	error_free(regex_new(pattern, &regex)); /* of our own: never fails */
	return regex;
}

struct shortener *shortener_new(void)
{
	struct shortener *shortener = xcalloc(1, sizeof(*shortener));

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		shortener->patterns[i] = compile(patterns[i]);
	shortener->version = compile(version_pattern);
	return shortener;
}

void shortener_free(struct shortener *shortener)
{
	if (!shortener)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		regex_free(shortener->patterns[i]);
	regex_free(shortener->version);
	free(shortener);
}

void shortener_add(struct shortener *shortener, const char *name,
		   struct strbuf *out)
{
	CLEANUP(strbuf_clear) struct strbuf text = { 0 };
	size_t start, end, rest, rest_end;

	if (!strncmp(name, ANONYMOUS, strlen(ANONYMOUS)))
		name += strlen(ANONYMOUS);
	if (regex_find(shortener->version, name, 1, &start, &end) &&
	    regex_find(shortener->version, name, 2, &rest, &rest_end)) {
		strbuf_add(&text, name, end);
		strbuf_adds(&text, name + rest);
	} else {
		strbuf_adds(&text, name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (regex_find(shortener->patterns[i], text.data, 1, &start,
			       &end)) {
			strbuf_add(out, text.data + start, end - start);
			return;
		}
	strbuf_adds(out, text.data);
}
