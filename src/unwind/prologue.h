/* SPDX-License-Identifier: MIT */
/*
 * prologue.h - rows for functions without unwind information, from what
 * their instructions do to sp.
 *
 * A function is read from its start on; what compilers write is followed
 * (push, pop, sub, add, lea, mov to and from rbp, leave, and), along its
 * jumps forward. The rows are guesses: kind ROW_GUESS.
 */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "image/functions.h"
#include "unwind/row.h"

/* The row for @vaddr of @module; kind ROW_NONE if it cannot be told. */
void prologue_find_row(struct functions *functions,
		       const struct module *module, uint64_t vaddr,
		       struct row *out, struct row_saves *out_saves);

/*
 * The row for a place behind which a function has nothing but its epilogue
 * (add to sp, pops, return), from the @n bytes of @code there. False if there
 * is anything else.
 */
bool epilogue_find_row(const uint8_t *code, size_t n, struct row *out);

#endif
