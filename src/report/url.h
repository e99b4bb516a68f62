/* SPDX-License-Identifier: MIT */
/* url.h - which words of a command line are URLs, and of what; as in pprof. */
#ifndef REPORT_URL_H
#define REPORT_URL_H

#include <stdint.h>

/*
 * The URL to fetch if @source is one, "http://HOST/..." or HOST:PORT/..., or
 * else NULL; freed by the caller. Without a path it is Go's CPU profile.
 * @seconds above 0 is how long to profile; @out_timeout_s is how long to wait,
 * @timeout_s if that is above 0.
 */
char *url_of_source(const char *source, int64_t seconds, int64_t timeout_s,
		    int64_t *out_timeout_s);

/* Where names are asked for of what came from @url; freed by the caller. */
char *url_of_symbols(const char *url);

#endif
