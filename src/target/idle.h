/* SPDX-License-Identifier: MIT */
/*
 * idle.h - keep cores from deep idle for the microseconds of a stop.
 *
 * A core whose only thread is stopped goes idle and must be woken again, which
 * costs several times what the stop itself does. While a core is held, its
 * pm_qos_resume_latency_us (sysfs-devices-power) says that no exit latency at
 * all is allowed. Needs root; without it nothing is held and nothing is said.
 * Which cores are held is noted in memory that the guard shares: it puts the
 * old values back should psample be killed in between.
 */
#ifndef TARGET_IDLE_H
#define TARGET_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IDLE_CPUS_MAX 64

struct idle {
	_Atomic uint64_t held; /* bit i: core i */
	int fds[IDLE_CPUS_MAX]; /* -1: cannot be written */
	char before[IDLE_CPUS_MAX][16];
	bool is_usable;
};

void idle_init(struct idle *idle);
void idle_clear(struct idle *idle);

/* Hold the cores in @mask, besides those that are held. */
void idle_hold(struct idle *idle, uint64_t mask);

/* Let all held cores be as they were. */
void idle_release(struct idle *idle);

#endif
