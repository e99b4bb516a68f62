/* SPDX-License-Identifier: MIT */
/* names.h - what a frame is called in a report. */
#ifndef PROFILE_NAMES_H
#define PROFILE_NAMES_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* The last part of @path; @path itself if it ends with '/'. */
const char *path_base(const char *path);

/*
 * Append the name of line @i of @location. A location without lines has one
 * name (@i is 0 then): that of its file, "[libfoo.so]", as in pprof, or
 * "<unknown>".
 */
void location_add_name(const struct profile *profile,
		       const struct profile_location *location, uint32_t i,
		       struct strbuf *out);

#endif
