/* SPDX-License-Identifier: MIT */
/* sched_file.c - the time in /proc/PID/task/TID/sched. */
#include "target/sched_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sched_file_open(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", (int)pid,
		 (int)tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static const char *parse_digits(const char *p, uint64_t *value)
{
	for (; *p >= '0' && *p <= '9'; p++)
		*value = *value * 10 + (uint64_t)(*p - '0');
	return p;
}

/*
 * "redis-server (4711, #threads: 5)"
 * "---------------------------------"
 * "se.exec_start           :      33788190.472372" (ms, always six decimals)
 *
 * The name comes first and may hold anything, so the last such key in the
 * text is meant; what follows are keys of the kernel's own.
 */
bool sched_file_read(int fd, uint64_t *out_ns)
{
	static const char key[] = "\nse.exec_start";
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *line = NULL, *decimals;
	uint64_t value = 0;

	if (n <= 0)
		return false;
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, key)); p++)
		line = p;
	if (!line)
		return false;
	line += strlen(key);
	line += strspn(line, " \t:");
	line = parse_digits(line, &value);
	if (*line != '.')
		return false;
	decimals = line + 1;
	line = parse_digits(decimals, &value);
	*out_ns = value;
	return line - decimals == 6;
}
