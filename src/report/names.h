/* SPDX-License-Identifier: MIT */
/*
 * names.h - what a node of a report is called, and paths as Go treats them.
 */
#ifndef REPORT_NAMES_H
#define REPORT_NAMES_H

#include "report/pp.h"
#include "util/strbuf.h"

/* What tells nodes apart; no padding, its bytes are a key. */
struct node_info {
	uint64_t address;
	int64_t line, column, start_line;
	string_id name, file; /* the file's path is clean */
	string_id object;     /* the mapping's file; 0 unless asked for */
	uint32_t zero;
};

/* "000000000040a1b2 main.f main.c:12:3", as far as the parts are known. */
void node_add_name(const struct pp *pp, const struct node_info *info,
		   struct strbuf *out);

/* The shortest equal path ("a/./b//../c" -> "a/c"); "." if it is empty. */
void path_add_clean(struct strbuf *out, const char *path);

/* The last part of a path; "." if it is empty, "/" if it is all slashes. */
void path_add_base(struct strbuf *out, const char *path);

/*
 * Where @path starts once the prefixes of @trim_path (separated by ':') are
 * cut, or else all up to the name of a directory of @source_path.
 */
const char *path_trim(const char *path, const char *trim_path,
		      const char *source_path);

/* How many characters @text has. */
size_t text_width(const char *text);

/* @text, in at least @width columns, at the right. */
void text_add_right(struct strbuf *out, const char *text, size_t width);

#endif
