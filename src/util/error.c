/* SPDX-License-Identifier: MIT */
/* error.c - failures: one text, with advice below it. */
#include "util/error.h"

struct error {
	char *text; /* message, then "\n  hint" lines */
};

static struct error *error_from(char *text)
{
	struct error *error = xmalloc(sizeof(*error));

	error->text = text;
	return error;
}

struct error *error_new(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return error_from(text);
}

struct error *error_errno(int err, const char *fmt, ...)
{
	va_list ap;
	char *what, *text;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	text = xasprintf("%s: %s", what, strerror(err));
	free(what);
	return error_from(text);
}

struct error *error_wrap(struct error *error, const char *fmt, ...)
{
	va_list ap;
	char *what, *text;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	text = xasprintf("%s: %s", what, error->text);
	free(what);
	free(error->text);
	error->text = text;
	return error;
}

struct error *error_hint(struct error *error, const char *fmt, ...)
{
	va_list ap;
	char *hint, *text;

	va_start(ap, fmt);
	hint = xvasprintf(fmt, ap);
	va_end(ap);
	text = xasprintf("%s\n  %s", error->text, hint);
	free(hint);
	free(error->text);
	error->text = text;
	return error;
}

const char *error_text(const struct error *error)
{
	return error->text;
}

void error_free(struct error *error)
{
	if (!error)
		return;
	free(error->text);
	free(error);
}
