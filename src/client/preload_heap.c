/* SPDX-License-Identifier: MIT */
/*
 * preload_heap.c - HEAPPROFILE and gperftools' heap-profiler.h.
 *
 * Profiles are PREFIX.0001.heap and so on, when the program asks for one and
 * at its end: in pprof's format, and sampled, where gperftools counts all.
 */
#include "client/preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PSAMPLE_API void HeapProfilerStart(const char *prefix);
PSAMPLE_API int IsHeapProfilerRunning(void);
PSAMPLE_API void HeapProfilerStop(void);
PSAMPLE_API void HeapProfilerDump(const char *reason);
PSAMPLE_API char *GetHeapProfile(void);

static struct {
	char prefix[PATH_MAX];
	unsigned n_dumped;
} heap;

void HeapProfilerStart(const char *prefix)
{
	struct psample_error error;
	int result = psample_heap_start(0, &error);

	if (result == EBUSY)
		return;
	if (result) {
		preload_complain("HeapProfilerStart", &error);
		return;
	}
	snprintf(heap.prefix, sizeof(heap.prefix), "%s", prefix);
	heap.n_dumped = 0;
}

int IsHeapProfilerRunning(void)
{
	return psample_heap_is_running();
}

void HeapProfilerStop(void)
{
	if (psample_heap_is_running())
		psample_heap_stop(NULL);
}

void HeapProfilerDump(const char *reason)
{
	char path[PATH_MAX + 16];
	struct psample_error error;

	if (!psample_heap_is_running())
		return;
	snprintf(path, sizeof(path), "%s.%04u.heap", heap.prefix,
		 ++heap.n_dumped);
	if (psample_heap_write(path, &error))
		preload_complain(reason ? reason : path, &error);
}

/* gperftools' text, which pprof's format is not: none. */
char *GetHeapProfile(void)
{
	return strdup("");
}

void preload_heap_begin(void)
{
	char prefix[PATH_MAX];

	bool has_other = preload_end_other("HeapProfilerStop");

	if (preload_path("HEAPPROFILE", has_other, prefix, sizeof(prefix)))
		HeapProfilerStart(prefix);
}

void preload_heap_end(void)
{
	HeapProfilerDump("Exiting");
	HeapProfilerStop();
}
