/* SPDX-License-Identifier: MIT */
/*
 * strbuf.h - a growing byte buffer, always NUL-terminated.
 *
 * Zero-initialize to start an empty one. @data may be NULL while empty.
 */
#ifndef UTIL_STRBUF_H
#define UTIL_STRBUF_H

#include <stddef.h>

#include "util/mem.h"

struct strbuf {
	char *data;
	size_t len, cap;
};

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Forget the content, keep the storage. */
void strbuf_reset(struct strbuf *sb);
void strbuf_clear(struct strbuf *sb);

/* The text, owned by the caller; the buffer is empty afterwards. */
char *strbuf_take(struct strbuf *sb) __attribute__((returns_nonnull));

static inline void strbuf_clear_cleanup(struct strbuf *sb)
{
	strbuf_clear(sb);
}

#endif
