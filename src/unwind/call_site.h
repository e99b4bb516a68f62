/* SPDX-License-Identifier: MIT */
/* call_site.h - what the bytes around a code address say about it. */
#ifndef UNWIND_CALL_SITE_H
#define UNWIND_CALL_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest form of call that compilers write (with a REX prefix). */
#define CALL_BYTES_MAX 8

/* Whether a call instruction may end at bytes + n; @n >= 2 to say yes. */
bool bytes_end_in_call(const uint8_t *bytes, size_t n);

/* mov $__NR_rt_sigreturn, %rax; syscall */
#define SIGRETURN_BYTES 9
bool bytes_are_sigreturn(const uint8_t *bytes, size_t n);

/*
 * Bytes pushed so far (0 or 8) if a PLT stub is at @at of the @n @bytes, and
 * -1 if it is none. Only GNU ld writes CFI for its stubs.
 */
#define STUB_BYTES_BEFORE 5
#define STUB_BYTES_BEHIND 12
int bytes_stub_depth(const uint8_t *bytes, size_t at, size_t n);

#endif
