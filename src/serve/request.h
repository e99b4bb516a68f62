/* SPDX-License-Identifier: MIT */
/*
 * request.h - what a client asked for: path, query and numbers, as Go reads
 * them (net/url, strconv). Nothing here touches a process or a socket.
 */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "util/vec.h"

struct request_arg {
	char *key, *value;
};

struct request {
	char *path;	 /* decoded, without the query */
	char *query;	 /* as it came, "" if none */
	struct vec args; /* struct request_arg: of the query */
};

/*
 * Take a request's target apart: "/debug/pprof/heap?gc=1", or a whole URL as
 * for a proxy. False if it is none; then nothing need be cleared.
 */
bool request_parse(const char *target, struct request *out);
void request_clear(struct request *request);

/* The first value of @key, or NULL. */
const char *request_find(const struct request *request, const char *key);

/* "%41+b" -> "A b" at @len bytes of @text; NULL if an escape is broken. */
char *request_unescape(const char *text, size_t len, bool plus_is_blank);

/* A whole number as strconv.ParseInt(text, 10, 64) takes it. */
bool request_parse_int(const char *text, int64_t *out);

/*
 * The next of the addresses "0x12+0x34+56" as pprof sends them; *@at moves
 * behind it. False at the end. A word that is no number gives 0.
 */
bool request_next_address(const char **at, const char *end, uint64_t *out);

#endif
