/* SPDX-License-Identifier: MIT */
/* heaping.h - the worker that has the allocation profile of one process. */
#ifndef SERVE_HEAPING_H
#define SERVE_HEAPING_H

#include "serve/worker.h"

/*
 * A worker_main; no argument. Its first ask names the process, whose profile
 * is on from then until the server or the process ends. An ask with id 0 has
 * no reply.
 */
void heaping_main(const struct worker_ends *ends, const void *arg);

#endif
