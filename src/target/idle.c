/* SPDX-License-Identifier: MIT */
/* idle.c - keep cores from deep idle for the microseconds of a stop. */
#include "target/idle.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "0" would mean no constraint at all; this one means a latency of zero. */
static const char no_latency[] = "n/a";

void idle_init(struct idle *idle)
{
	char path[96];

	atomic_init(&idle->held, 0);
	idle->is_usable = false;
	for (int cpu = 0; cpu < IDLE_CPUS_MAX; cpu++) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/power/"
			 "pm_qos_resume_latency_us", cpu);
		fd = open(path, O_RDWR | O_CLOEXEC);
		idle->fds[cpu] = fd;
		if (fd < 0)
			continue;
		n = pread(fd, idle->before[cpu],
			  sizeof(idle->before[cpu]) - 1, 0);
		idle->before[cpu][n > 0 ? n : 0] = '\0';
		idle->is_usable |= n > 0;
	}
}

void idle_clear(struct idle *idle)
{
	idle_release(idle);
	for (int cpu = 0; cpu < IDLE_CPUS_MAX; cpu++)
		if (idle->fds[cpu] >= 0)
			close(idle->fds[cpu]);
}

static void write_value(const struct idle *idle, int cpu, const char *text)
{
	/* Without effect is all that a failure means here. */
	ssize_t n = pwrite(idle->fds[cpu], text, strlen(text), 0);

	(void)n;
}

void idle_hold(struct idle *idle, uint64_t mask)
{
	uint64_t held = atomic_load_explicit(&idle->held,
					     memory_order_relaxed);

	mask &= ~held;
	if (!idle->is_usable || !mask)
		return;
	/* Noted first: the guard may put back too much, never too little. */
	atomic_store(&idle->held, held | mask);
	for (; mask; mask &= mask - 1) {
		int cpu = __builtin_ctzll(mask);

		if (idle->fds[cpu] >= 0)
			write_value(idle, cpu, no_latency);
	}
}

void idle_release(struct idle *idle)
{
	uint64_t held = atomic_load_explicit(&idle->held,
					     memory_order_relaxed);

	for (uint64_t left = held; left; left &= left - 1) {
		int cpu = __builtin_ctzll(left);

		if (idle->fds[cpu] >= 0)
			write_value(idle, cpu, idle->before[cpu]);
	}
	if (held)
		atomic_store(&idle->held, 0);
}
