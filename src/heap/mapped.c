/* SPDX-License-Identifier: MIT */
/* mapped.c - which memory of a process is mapped, and by which call. */
#include "heap/mapped.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ADDRESS_END (UINT64_C(1) << 56) /* of user space, with five levels */

void mapped_init(struct mapped *mapped)
{
	mapped->pieces = VEC_OF(struct mapped_piece);
}

void mapped_clear(struct mapped *mapped)
{
	vec_clear(&mapped->pieces);
}

static struct mapped_piece *piece_at(struct mapped *mapped, size_t i)
{
	return vec_at(&mapped->pieces, i);
}

static bool is_range(uint64_t start, uint64_t len)
{
	return len && start < ADDRESS_END && len <= ADDRESS_END - start;
}

/* The first piece that ends behind @addr. */
static size_t find_piece(struct mapped *mapped, uint64_t addr)
{
	size_t low = 0, high = mapped->pieces.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (piece_at(mapped, middle)->end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void insert_piece(struct mapped *mapped, size_t at,
			 struct mapped_piece piece)
{
	struct mapped_piece *pieces;

	vec_push(&mapped->pieces);
	pieces = piece_at(mapped, at);
	memmove(pieces + 1, pieces,
		(mapped->pieces.n - 1 - at) * sizeof(*pieces));
	*pieces = piece;
}

static void remove_pieces(struct mapped *mapped, size_t at, size_t n)
{
	struct mapped_piece *pieces;

	if (!n)
		return;
	pieces = piece_at(mapped, at);
	memmove(pieces, pieces + n,
		(mapped->pieces.n - at - n) * sizeof(*pieces));
	mapped->pieces.n -= n;
}

void mapped_remove(struct mapped *mapped, uint64_t start, uint64_t len)
{
	uint64_t end = start + len;
	size_t at, n = 0;

	if (!is_range(start, len))
		return;
	at = find_piece(mapped, start);
	if (at < mapped->pieces.n && piece_at(mapped, at)->start < start) {
		struct mapped_piece rest = *piece_at(mapped, at);

		piece_at(mapped, at++)->end = start;
		if (rest.end > end) { /* a hole in the middle */
			rest.start = end;
			insert_piece(mapped, at, rest);
			return;
		}
	}
	while (at + n < mapped->pieces.n &&
	       piece_at(mapped, at + n)->end <= end)
		n++;
	remove_pieces(mapped, at, n);
	if (at < mapped->pieces.n && piece_at(mapped, at)->start < end)
		piece_at(mapped, at)->start = end;
}

void mapped_add(struct mapped *mapped, uint64_t start, uint64_t len,
		uint64_t id)
{
	if (!is_range(start, len))
		return;
	mapped_remove(mapped, start, len);
	insert_piece(mapped, find_piece(mapped, start),
		     (struct mapped_piece){ start, start + len, id });
}
