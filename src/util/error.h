/* SPDX-License-Identifier: MIT */
/*
 * error.h - failures: what the caller asked for cannot be had.
 *
 * A function that can fail returns struct error *, NULL meaning done. The
 * text is made where the facts are known, one error_wrap() is added at each
 * border between stages, and cli/ prints it once. A hint is a line of advice
 * printed below the message ("try: ..."). Outcomes that are expected on the
 * way (thread gone, no rule) are enums, never errors.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include "util/mem.h"

struct error;

struct error *error_new(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_USE;

/* As error_new(), with ": " and the text of errno value @err behind it. */
struct error *error_errno(int err, const char *fmt, ...)
	PRINTF_LIKE(2, 3) MUST_USE;

/* Put "text: " in front of @error, which is consumed and returned. */
struct error *error_wrap(struct error *error, const char *fmt, ...)
	PRINTF_LIKE(2, 3) MUST_USE;

/* Add one line of advice below the message; @error is returned. */
struct error *error_hint(struct error *error, const char *fmt, ...)
	PRINTF_LIKE(2, 3) MUST_USE;

/* The message, followed by "\n  " and each hint; owned by @error. */
const char *error_text(const struct error *error);

void error_free(struct error *error);
DEFINE_CLEANUP(error_free, struct error *)

#endif
