/* SPDX-License-Identifier: MIT */
/*
 * perf_map.h - names of code made at run time, from a JIT compiler's own list.
 *
 * A compiler appends a line for each function it makes, to a file that perf
 * made the custom (tools/perf/Documentation/jit-interface.txt in the kernel):
 *
 *	7eff1af46cc0 180 JS:*fib /tmp/fib.js:1:13
 *	start        size name, all up to the end of the line
 *
 * Memory is used again, so the last definition of an address is the one that
 * holds. The text is hostile: lines that do not look so are skipped.
 */
#ifndef SYMBOL_PERF_MAP_H
#define SYMBOL_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "util/mem.h"

/* What is read of a longer list: its end, where the newest names are. */
#define PERF_MAP_MAX_BYTES ((size_t)128 << 20)

struct perf_map;

/* @text of @len bytes is the map's from now on; at most PERF_MAP_MAX_BYTES. */
struct perf_map *perf_map_new(char *text, size_t len);
void perf_map_free(struct perf_map *map);
DEFINE_CLEANUP(perf_map_free, struct perf_map *)

/* The name of the code at @addr, printable, owned by @map; NULL: unknown. */
const char *perf_map_find(const struct perf_map *map, uint64_t addr);

/*
 * Where the function called @name stands, as V8 and Python have it in names:
 *
 *	JS:*fib /tmp/fib.js:1:13
 *	py::fib:/tmp/fib.py
 *
 * The file, owned by the caller, and its line (0: unknown), or NULL.
 */
char *perf_map_source(const char *name, int64_t *out_line) MUST_USE;

/* Lines that define something. */
size_t perf_map_n_entries(const struct perf_map *map);

#endif
