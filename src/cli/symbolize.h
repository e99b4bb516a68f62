/* SPDX-License-Identifier: MIT */
/*
 * symbolize.h - names for a profile that has none, from files and servers.
 *
 * --symbolize=none|local|fastlocal|remote[:force][:demangle=STYLE], as pprof's.
 */
#ifndef CLI_SYMBOLIZE_H
#define CLI_SYMBOLIZE_H

#include "report/origin.h"
#include "report/source.h"
#include "report/sourcefile.h"
#include "symbol/symbol.h"

struct symbolize {
	bool is_off, is_local, is_remote;
	bool is_fast;	/* names of functions only */
	bool is_forced; /* also what has names */
	bool uses_debuginfod;
	enum demangle_style style;
	const struct fetch_tls *tls;
};

/* What @text asks for; what is not known in it is told and ignored. */
void symbolize_init(struct symbolize *symbolize, const char *text);

/* For struct sources; @ctx is a struct symbolize. */
void symbolize_locate(void *ctx, struct pp *pp);
struct error *symbolize_run(void *ctx, struct pp *pp,
			    const struct origins *origins) MUST_USE;

/*
 * symbolize_files.c: a server of sources for reports, or NULL with *@out_error
 * set. Free with symbolize_sources_free().
 */
struct source_server *symbolize_sources_new(struct error **out_error);
void symbolize_sources_free(struct source_server *server);

/* symbolize_names.c: read mangled names, and simplify those that are not. */
void symbolize_demangle(const struct symbolize *symbolize, struct pp *pp);

/* symbolize_files.c: ELF files by their paths. */
struct binaries {
	struct modules modules;
};

void binaries_init(struct binaries *binaries);
void binaries_clear(struct binaries *binaries);

/* The file at @path, or NULL if it is no ELF file that can be read. */
const struct module *binaries_open(struct binaries *binaries,
				   const char *path);

#endif
