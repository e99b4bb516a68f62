/* SPDX-License-Identifier: MIT */
/* sampling.h - the worker that profiles one target for all its clients. */
#ifndef SERVE_SAMPLING_H
#define SERVE_SAMPLING_H

#include "serve/worker.h"

/* A worker_main; no argument. Attached only while a client waits. */
void sampling_main(const struct worker_ends *ends, const void *arg);

#endif
