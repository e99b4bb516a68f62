/* SPDX-License-Identifier: MIT */
/* origin.h - which server a mapping came from, and the names it has. */
#ifndef REPORT_ORIGIN_H
#define REPORT_ORIGIN_H

#include "report/fetch.h"
#include "report/pp.h"

struct origin { /* a mapping of a profile that was fetched */
	string_id key; /* its build id, or else its file */
	uint64_t start;
	char *url;
};

struct origins { /* origins_init() before use */
	struct vec list; /* struct origin */
};

void origins_init(struct origins *origins);
void origins_clear(struct origins *origins);

/*
 * Note that @pp came from @url. A mapping that has neither a build id nor a
 * file gets the URL for a file, until names have been found.
 */
void origins_add(struct origins *origins, struct pp *pp, const char *url);

/*
 * Ask the servers for the names of functions, of mappings that have none, or
 * of all if @is_forced.
 */
struct error *origins_symbolize(const struct origins *origins, struct pp *pp,
				bool is_forced,
				const struct fetch_tls *tls) MUST_USE;

/* save.c: keep a copy of @pp in the user's folder for them, and say so. */
void profile_save(const struct pp *pp);

#endif
