/* SPDX-License-Identifier: MIT */
/* error.c - texts for callers, in memory of theirs. */
#include "client/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int client_fail(struct psample_error *error, int code, const char *format,
		...)
{
	va_list ap;

	if (!error)
		return code;
	error->code = code;
	va_start(ap, format);
	vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);
	return code;
}

int client_fail_errno(struct psample_error *error, int errnum,
		      const char *what)
{
	char buffer[128];

	return client_fail(error, errnum, "%s: %s", what,
			   strerror_r(errnum, buffer, sizeof(buffer)));
}

void client_succeed(struct psample_error *error)
{
	if (!error)
		return;
	error->code = 0;
	error->text[0] = '\0';
}
