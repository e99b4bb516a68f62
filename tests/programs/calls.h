/* SPDX-License-Identifier: MIT */
/* calls.h - a table of system calls that block, and what they should give. */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "work.h"

enum { WAIT_MS = 20, NS_PER_MS = 1000000, WRONG_DATA = -2 };

/* What a case may keep from one call to the next. */
struct scene {
	const struct call_case *what;
	pthread_t caller;
	int fd[4];
	int id;			/* of System V things; a child's pid */
	_Atomic uint32_t word;	/* a futex */
	_Atomic unsigned n_back; /* calls that have returned */
	_Atomic bool is_resent;	/* there may be one signal too many */
	char *memory;
	size_t bytes;
	void *ring;		/* struct uring */
	sem_t sem;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

/*
 * A case: open() once; before each call ready(); then the call, which must
 * give want (and errno). What has wake() is woken by another thread WAIT_MS
 * after the call begins, and all others time out after that, unless they are
 * instant. Partial ones may move less than was asked for.
 */
struct call_case {
	const char *name;
	int (*open)(struct scene *s);
	int (*ready)(struct scene *s);
	long (*call)(struct scene *s);
	void (*wake)(struct scene *s);
	long want;
	int want_errno;
	bool is_instant, is_partial;
};

/* Tables end with a case without a name. */
extern const struct call_case calls_time[], calls_ipc[], calls_net[],
	calls_file[], calls_signal[], calls_ring[];

static inline struct timespec timespec_wait(void)
{
	return (struct timespec){ .tv_nsec = WAIT_MS * NS_PER_MS };
}

/* WAIT_MS from now on. */
static inline struct timespec timespec_end(clockid_t clock)
{
	uint64_t ns = clock_read_ns(clock) + WAIT_MS * (uint64_t)NS_PER_MS;

	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
				  .tv_nsec = (long)(ns % 1000000000) };
}

/* Write a byte that is there for this: failures show in the result. */
static inline void put_byte(int fd)
{
	ssize_t n = write(fd, "x", 1);

	(void)n;
}

static inline void take_bytes(int fd)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)n;
}

static inline int open_nothing(struct scene *s)
{
	(void)s;
	return 0;
}

static inline int open_pipe(struct scene *s)
{
	return pipe(s->fd);
}

static inline void wake_pipe(struct scene *s)
{
	put_byte(s->fd[1]);
}

/* @n_bytes whose values tell their places. */
static inline int open_pattern(struct scene *s, size_t n_bytes)
{
	s->memory = malloc(n_bytes);
	s->bytes = n_bytes;
	for (size_t i = 0; i < n_bytes; i++)
		s->memory[i] = (char)(i * 31 + i / 251);
	return s->memory == NULL ? -1 : 0;
}

static inline bool is_pattern(const char *bytes, size_t offset, size_t n)
{
	for (size_t i = offset; i < offset + n; i++)
		if (bytes[i - offset] != (char)(i * 31 + i / 251))
			return false;
	return true;
}

#endif
