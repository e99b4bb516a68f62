/* SPDX-License-Identifier: MIT */
/*
 * read.h - a profile from a file, whatever format it is in.
 *
 * Known are profile.proto, gzipped or not, folded stacks, and the older formats
 * that pprof reads (legacy.h). What is read is whole and consistent: ids are
 * known and unique, samples have as many values as there are types, text is
 * UTF-8.
 */
#ifndef REPORT_READ_H
#define REPORT_READ_H

#include "report/pp.h"
#include "util/error.h"

/*
 * Read the file at @path, "-" being standard input; strings go into @strings,
 * which the caller keeps until the profile is gone.
 */
struct error *pp_read_file(const char *path, struct intern *strings,
			   struct pp **out) MUST_USE;

/* The same from @len bytes in memory. */
struct error *pp_read_bytes(const void *data, size_t len,
			    struct intern *strings,
			    struct pp **out) MUST_USE;

/* Does the file at @path start as one of the known formats does? */
bool pp_is_profile(const char *path);

/* read_folded.c: "root;caller;leaf 12\n" into @pp, empty so far. */
struct error *pp_read_folded(struct pp *pp, const char *text,
			     size_t len) MUST_USE;

/* legacy.c: what is older than profile.proto, into @pp, empty so far. */
struct error *pp_read_legacy(struct pp *pp, const char *data,
			     size_t len) MUST_USE;

/* legacy.c: does @data start as one of these does? */
bool legacy_starts_at(const char *data, size_t len);

/* Is the first line of @text one of folded stacks? */
bool folded_starts_at(const char *text, size_t len);

#endif
