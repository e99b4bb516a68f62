/* SPDX-License-Identifier: MIT */
/* clock.h - times in nanoseconds, and durations as people write them. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ll
#define NS_PER_MS 1000000ll
#define NS_PER_S 1000000000ll

/* Now on CLOCK_MONOTONIC: for every interval. */
int64_t clock_now_ns(void);

/* Now on CLOCK_REALTIME: only for time stamps in a profile. */
int64_t clock_wall_ns(void);

/* Now on @clock, or -1 when it cannot be read. */
int64_t clock_read_ns(clockid_t clock);

struct timespec timespec_of_ns(int64_t ns);

/*
 * "30" (seconds), "1.5s", "10ms", "2m", "1h" -> nanoseconds. False if @text
 * is no duration or does not fit.
 */
bool duration_parse(const char *text, int64_t *out_ns);

/* @ns as "1.23s", "4.5ms", "12us" into @buf (at least 24 bytes). */
char *duration_format(int64_t ns, char *buf, unsigned long size);

#endif
