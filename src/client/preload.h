/* SPDX-License-Identifier: MIT */
/* preload.h - what the parts of psample-preload.so have in common. */
#ifndef CLIENT_PRELOAD_H
#define CLIENT_PRELOAD_H

#include "client/client.h"

/* The only words on stderr: where there is nobody to give an error to. */
CLIENT_HIDDEN void preload_complain(const char *what,
				    const struct psample_error *error);

/* The file that @variable names, for this process; false if it is not set. */
CLIENT_HIDDEN bool preload_path(const char *variable, bool has_other,
				char *path, size_t size);
/* Call @function of the next library that has it; false if there is none. */
CLIENT_HIDDEN bool preload_end_other(const char *function);

/* HEAPPROFILE. */
CLIENT_HIDDEN void preload_heap_begin(void);
CLIENT_HIDDEN void preload_heap_end(void);

#endif
