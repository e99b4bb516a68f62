/* SPDX-License-Identifier: MIT */
/*
 * debuginfod.h - ask servers for debug files, if the user wants that.
 *
 * The servers are those of DEBUGINFOD_URLS (debuginfod(8)). libdebuginfod is
 * loaded when it is first needed, since it brings a whole HTTP client along.
 * What it fetches stays in the user's cache, which gdb and others use too.
 */
#ifndef SYMBOL_DEBUGINFOD_H
#define SYMBOL_DEBUGINFOD_H

#include <stddef.h>

#include "util/error.h"

struct debuginfod;

/* Fails if there is no library or no server to ask. */
struct error *debuginfod_open(struct debuginfod **out) MUST_USE;
void debuginfod_close(struct debuginfod *client);
DEFINE_CLEANUP(debuginfod_close, struct debuginfod *)

/*
 * A descriptor of the debug file with this build id, or -1; *@out_path is its
 * name in the cache, freed with free(). @name is shown while it takes time.
 * After two minutes in all nothing more is asked.
 */
int debuginfod_fetch(struct debuginfod *client, const unsigned char *build_id,
		     size_t len, const char *name, char **out_path);

/* The same for the source file that the debug file calls @name. */
int debuginfod_fetch_source(struct debuginfod *client,
			    const unsigned char *build_id, size_t len,
			    const char *name);

#endif
