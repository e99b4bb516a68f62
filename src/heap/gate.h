/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the first instructions of a function, made to run elsewhere.
 *
 * Where a jump to another place takes the first bytes of a function, whoever
 * still wants the function goes through its gate: what stood there, with its
 * relative addresses made right for the new place, and a jump to the rest.
 */
#ifndef HEAP_GATE_H
#define HEAP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_BYTES 64
#define GATE_JUMP_BYTES 5 /* e9 and a distance of four bytes */
#define GATE_STARTS_MAX 4

struct gate_function {
	const uint8_t *code; /* its bytes */
	size_t n;	     /* as many as are its own */
	size_t n_padded;     /* with those that nothing uses behind it */
	uint64_t addr;	     /* where they are, and the jump will be */
};

struct gate {
	uint8_t code[GATE_BYTES];
	size_t n;
	/* Where else than at 0 an instruction began that the jump covers. */
	uint8_t starts[GATE_STARTS_MAX];
	size_t n_starts;
};

/* Where the target of a jump really is to be. */
typedef uint64_t (*gate_target_fn)(void *ctx, uint64_t target);

/*
 * Make the gate of @function, to be at @at. NULL, or what is in the way:
 * "calls another function at once", say.
 */
const char *gate_make(struct gate *gate, const struct gate_function *function,
		      uint64_t at, gate_target_fn target, void *ctx);

/* The four bytes of a jump that ends at @from; false: @to is too far away. */
bool gate_distance(uint64_t from, uint64_t to, uint8_t out[4]);

#endif
