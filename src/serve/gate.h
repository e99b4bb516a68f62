/* SPDX-License-Identifier: MIT */
/*
 * gate.h - who may ask: Host, Origin, and the token.
 *
 * A page in somebody's browser can send requests to loopback. It cannot set
 * Host, so a name that the page's owner lets point here is known by it (DNS
 * rebinding); and it cannot hide where it is from (Origin, Sec-Fetch-Site).
 */
#ifndef SERVE_GATE_H
#define SERVE_GATE_H

#include <stdbool.h>

#include "util/error.h"
#include "util/vec.h"

struct gate {
	struct vec hosts;    /* char *, names that are ours; owned */
	bool is_open;	     /* other addresses than loopback are listened to */
	char *token;	     /* or NULL: none is needed; owned */
};

struct gate_ask { /* headers; NULL: not sent */
	const char *host, *origin, *fetch_site, *fetch_mode, *authorization;
	bool is_local;	   /* by a unix socket: no browser gets there */
	bool is_page;	   /* what people open by a link from anywhere */
	bool needs_token;
};

void gate_init(struct gate *gate);
void gate_clear(struct gate *gate);

/* The token is the first line of the file at @path. */
struct error *gate_read_token(struct gate *gate, const char *path) MUST_USE;

/* 0: come in; else a status, and *@out_reason for the client. */
unsigned gate_check(const struct gate *gate, const struct gate_ask *ask,
		    const char **out_reason);

#endif
