/* SPDX-License-Identifier: MIT */
/*
 * listen.h - where the server is reached: HOST:PORT, unix:PATH, fd:3.
 *
 * localhost is both 127.0.0.1 and ::1. A unix socket is removed at the end,
 * and made with mode 0600, or as "unix:PATH,mode=0660" says.
 */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>

#include "util/error.h"
#include "util/vec.h"

struct listener {
	int fd;
	bool is_local;	  /* a unix socket */
	bool is_loopback; /* or that: nobody from outside gets there */
	char *path;	  /* to be removed at the end, or NULL */
	char *host;	  /* as asked for, or NULL */
	char *text;	  /* "http://127.0.0.1:6060/debug/pprof/" */
};

/* Append to @out (struct listener) what @where says. */
struct error *listen_open(const char *where, struct vec *out) MUST_USE;
void listen_close(struct vec *listeners);

#endif
