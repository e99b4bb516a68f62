/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - HTTP, by libcurl if psample was built with it.
 */
#ifndef REPORT_FETCH_H
#define REPORT_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/strbuf.h"

struct fetch_tls { /* files in PEM, each may be NULL */
	const char *certificate, *key, *authority;
};

struct fetch { /* one request */
	const char *url;
	int64_t timeout_s;
	const char *post; /* its body, or NULL: GET */
	struct strbuf body;
	struct error *error; /* NULL: done */
};

/* The version of libcurl, or NULL: nothing can be fetched. */
const char *fetch_library_version(void);

/* All of these at the same time; each has its body or its error after it. */
void fetch_all(struct fetch *fetches, size_t n, const struct fetch_tls *tls);
void fetch_clear(struct fetch *fetch);

#endif
