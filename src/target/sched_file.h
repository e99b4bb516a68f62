/* SPDX-License-Identifier: MIT */
/*
 * sched_file.h - when did a thread leave its core? /proc/PID/task/TID/sched.
 *
 * The file is there with CONFIG_SCHED_DEBUG, as distributions have it. A read
 * takes 7 us: for single threads only.
 */
#ifndef TARGET_SCHED_FILE_H
#define TARGET_SCHED_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* An open file to be read again and again, or -1. */
int sched_file_open(pid_t pid, pid_t tid);

/*
 * When the scheduler last counted the time of the thread: as it left its core,
 * if it is on none; as it got its core or later, if it is on one. In ns of the
 * clock of that core, which counts only what tasks get: times of two threads
 * are one moment only if they are equal, and were taken on one core.
 */
bool sched_file_read(int fd, uint64_t *out_ns);

#endif
