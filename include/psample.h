/* SPDX-License-Identifier: MIT */
/*
 * psample.h - profile this very program: start, stop, and what is between.
 *
 * A second program, psample, is started and samples this one from outside; so
 * no signal handler, thread or timer is put into the program, and a fault of
 * the profiler ends the profiler only. All functions may be called from any
 * thread, also after a fork; of those that start and stop, one is at work at
 * a time. Each gives 0, or an errno number with a text in @error, which may
 * be NULL. See psample(3).
 */
#ifndef PSAMPLE_H
#define PSAMPLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PSAMPLE_API __attribute__((visibility("default")))
#else
#define PSAMPLE_API
#endif

struct psample_error {
	int code; /* what the function gave */
	char text[508];
};

#define PSAMPLE_WALL 1u	     /* waiting counts too, not CPU time alone */
#define PSAMPLE_BY_THREAD 2u /* label samples with their thread */
#define PSAMPLE_CHILDREN 4u  /* processes forked from now on as well */

/* Zero is a good value for all but @size and one of @file, @fd. */
struct psample_options {
	size_t size;	     /* sizeof(struct psample_options) */
	const char *file;    /* the profile's name; it is replaced whole */
	int fd;		     /* without @file: an open descriptor for it */
	unsigned flags;	     /* PSAMPLE_* */
	unsigned hz;	     /* samples a second; 0: 100 */
	unsigned start_ms;   /* wait so long for the start; 0: 10 s */
	unsigned stop_ms;    /* and for the written profile; 0: 120 s */
	const char *program; /* psample; NULL: $PSAMPLE, $PATH, as built */
};

/* Sample this program from now on; at the end a pprof file is written. */
PSAMPLE_API int psample_start(const char *file, struct psample_error *error);
PSAMPLE_API int psample_start_fd(int fd, struct psample_error *error);
PSAMPLE_API int psample_start_with(const struct psample_options *options,
				   struct psample_error *error);

/* End it. The profile is there, whole, when 0 is returned. */
PSAMPLE_API int psample_stop(struct psample_error *error);

/* Write what there is so far to the file, and go on. */
PSAMPLE_API int psample_flush(struct psample_error *error);

/* Not 0 between start and stop. */
PSAMPLE_API int psample_is_running(void);

/*
 * From now on samples of the calling thread have this label, or, with @value
 * NULL, no longer have it. Cheap: some 100 ns, and nothing to be undone.
 */
PSAMPLE_API int psample_label(const char *key, const char *value,
			      struct psample_error *error);

/* A text on where all threads are, with their stacks; some 0.3 s. */
PSAMPLE_API int psample_stacks(int fd, struct psample_error *error);

/*
 * Watch allocations from now on, one in @mean_bytes (0: 512 KiB); write what
 * was allocated since, and what of it is in use, as often as wanted; end.
 */
PSAMPLE_API int psample_heap_start(size_t mean_bytes,
				   struct psample_error *error);
PSAMPLE_API int psample_heap_write(const char *file,
				   struct psample_error *error);
PSAMPLE_API int psample_heap_stop(struct psample_error *error);
PSAMPLE_API int psample_heap_is_running(void);

/* "0.1.0" */
PSAMPLE_API const char *psample_version(void);

#ifdef __cplusplus
}
#endif

#endif
