/* SPDX-License-Identifier: MIT */
/*
 * fault_alloc.c - preloaded: one allocation of a program fails.
 *
 *	LD_PRELOAD=fault_alloc.so FAULT_ALLOC=N PROGRAM
 *
 * The Nth call of malloc, calloc or realloc since main() gives NULL. With
 * FAULT_COUNT=FILE, the number of calls is left there at exit, and before that
 * "of FILE", the library whose call it was that failed. What the program runs
 * itself does not have this: the variables are taken away.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the functions of these names are in glibc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static atomic_long n_calls, n_fails;
static char count_file[256];

/* By calls that allocate nothing. */
static void note_caller(const void *caller)
{
	int fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		      0644);
	Dl_info info;

	if (fd < 0)
		return;
	if (dladdr(caller, &info) && info.dli_fname &&
	    (write(fd, "of ", 3) != 3 ||
	     write(fd, info.dli_fname, strlen(info.dli_fname)) < 0))
		perror(count_file);
	close(fd);
}

static int is_due(const void *caller)
{
	if (atomic_fetch_add(&n_calls, 1) + 1 != atomic_load(&n_fails))
		return 0;
	if (*count_file)
		note_caller(caller);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return is_due(__builtin_return_address(0)) ?
		       NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return is_due(__builtin_return_address(0)) ?
		       NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return is_due(__builtin_return_address(0)) ?
		       NULL : __libc_realloc(p, size);
}

__attribute__((constructor)) static void begin(void)
{
	const char *n = getenv("FAULT_ALLOC"), *file = getenv("FAULT_COUNT");
	long wanted = n ? strtol(n, NULL, 10) : 0;

	if (file)
		snprintf(count_file, sizeof(count_file), "%s", file);
	unsetenv("LD_PRELOAD");
	unsetenv("FAULT_ALLOC");
	unsetenv("FAULT_COUNT");
	atomic_store(&n_calls, 0);
	atomic_store(&n_fails, wanted);
}

__attribute__((destructor)) static void end(void)
{
	long n = atomic_load(&n_calls);
	FILE *file = *count_file ? fopen(count_file, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%ld\n", n);
	fclose(file);
}
