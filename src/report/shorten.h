/* SPDX-License-Identifier: MIT */
/* shorten.h - function names without packages, namespaces and versions. */
#ifndef REPORT_SHORTEN_H
#define REPORT_SHORTEN_H

#include "util/strbuf.h"

struct shortener; /* the patterns, compiled */

struct shortener *shortener_new(void);
void shortener_free(struct shortener *shortener);
DEFINE_CLEANUP(shortener_free, struct shortener *)

/*
 * Append what is left of @name: "github.com/a/b/v2/pkg.F" -> "pkg.F",
 * "org.x.Main.run(int)" -> "Main.run", "ns::Class::f" -> "Class::f".
 */
void shortener_add(struct shortener *shortener, const char *name,
		   struct strbuf *out);

#endif
