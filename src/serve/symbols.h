/* SPDX-License-Identifier: MIT */
/* symbols.h - the worker that names addresses of a target, once. */
#ifndef SERVE_SYMBOLS_H
#define SERVE_SYMBOLS_H

#include "serve/worker.h"

struct symbols_ask {
	pid_t pid;
	const char *text; /* "0x12+0x34", of @len bytes */
	size_t len;
	bool is_tabbed; /* gperftools: a tab before the name, no first line */
};

/* A worker_main with a struct symbols_ask; its reply has id 0. */
void symbols_main(const struct worker_ends *ends, const void *arg);

#endif
