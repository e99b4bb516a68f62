/* SPDX-License-Identifier: MIT */
/*
 * sourcefile.h - lines of source files, found as pprof finds them.
 *
 * A path is cut by trim_path, or by the name of a directory of source_path;
 * what is still absolute must be there, the rest is looked for in every
 * directory of source_path and in all directories above it.
 */
#ifndef REPORT_SOURCEFILE_H
#define REPORT_SOURCEFILE_H

#include <stdint.h>

#include "report/pp.h"
#include "util/error.h"
#include "util/vec.h"

struct sourcefile {
	char *text;
	struct vec lines; /* char *; the first line is number 1 */
	char *error;	  /* why there are none, or NULL */
};

/* Read the file called @path in a profile. @source_path may be empty. */
void sourcefile_open(struct sourcefile *file, const char *path,
		     const char *trim_path, const char *source_path);
void sourcefile_clear(struct sourcefile *file);

/* Who has sources of programs by their build ids. */
struct source_server {
	/* The text of the file and its length, or NULL; freed by the
	 * caller. */
	char *(*fetch)(void *ctx, const char *build_id, const char *path,
		       size_t *out_len);
	void *ctx;
};

/*
 * If the file was not found, ask @server, which may be NULL, for @path with the
 * build id of each mapping of @pp that has lines of it.
 */
void sourcefile_ask(struct sourcefile *file, const struct pp *pp,
		    string_id path, const struct source_server *server);

/* Line @number without its end, or NULL if there is none. */
const char *sourcefile_line(const struct sourcefile *file, int64_t number);

#endif
