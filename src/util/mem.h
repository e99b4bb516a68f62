/* SPDX-License-Identifier: MIT */
/*
 * mem.h - allocation that cannot fail, and cleanup at the end of a scope.
 *
 * psample is a program, not a library: out of memory ends it with one
 * message, and the kernel then detaches every tracee. Nothing between the
 * stop of a thread and its resumption may call into this file.
 */
#ifndef UTIL_MEM_H
#define UTIL_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size)
	__attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n)
	__attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2)
	__attribute__((malloc, returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0)
	__attribute__((malloc, returns_nonnull));

/*
 * CLEANUP(x_free) struct x *x = NULL;  frees x when the scope ends, if
 * DEFINE_CLEANUP(x_free, struct x *) stands beside the declaration of x_free.
 * TAKE(x) hands the value over and leaves NULL behind.
 */
#define DEFINE_CLEANUP(fn, type)                                              \
	static inline void fn##_cleanup(type *p)                              \
	{                                                                     \
		fn(*p);                                                       \
	}
#define CLEANUP(fn) __attribute__((cleanup(fn##_cleanup)))
#define TAKE(p)                                                               \
	__extension__({                                                       \
		__typeof__(p) taken_ = (p);                                   \
		(p) = NULL;                                                   \
		taken_;                                                       \
	})

static inline void free_cleanup(void *p)
{
	free(*(void **)p);
}

static inline void close_fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
