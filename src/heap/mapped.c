/* SPDX-License-Identifier: MIT */
/* mapped.c - which memory of a process is mapped, and by which call. */
#include "heap/mapped.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "image/maps.h"

#define ADDRESS_END (UINT64_C(1) << 56) /* of user space, with five levels */

void mapped_init(struct mapped *mapped)
{
	mapped->pieces = VEC_OF(struct mapped_piece);
	mapped->reserved = VEC_OF(struct mapped_piece);
}

void mapped_clear(struct mapped *mapped)
{
	vec_clear(&mapped->pieces);
	vec_clear(&mapped->reserved);
}

static struct mapped_piece *piece_at(const struct vec *pieces, size_t i)
{
	return vec_at(pieces, i);
}

static bool is_range(uint64_t start, uint64_t len)
{
	return len && start < ADDRESS_END && len <= ADDRESS_END - start;
}

/* The first piece that ends behind @addr. */
static size_t find_piece(const struct vec *pieces, uint64_t addr)
{
	size_t low = 0, high = pieces->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (piece_at(pieces, middle)->end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* A hole in the middle makes two of one, so this is where they are bounded. */
static void insert_piece(struct vec *pieces, size_t at,
			 struct mapped_piece piece)
{
	struct mapped_piece *first;

	if (pieces->n >= MAPPED_PIECES_MAX)
		return;
	vec_push(pieces);
	first = piece_at(pieces, at);
	memmove(first + 1, first, (pieces->n - 1 - at) * sizeof(*first));
	*first = piece;
}

static void remove_pieces(struct vec *pieces, size_t at, size_t n)
{
	struct mapped_piece *first;

	if (!n)
		return;
	first = piece_at(pieces, at);
	memmove(first, first + n, (pieces->n - at - n) * sizeof(*first));
	pieces->n -= n;
}

static void cut_range(struct vec *pieces, uint64_t start, uint64_t end)
{
	size_t at = find_piece(pieces, start), n = 0;

	if (at < pieces->n && piece_at(pieces, at)->start < start) {
		struct mapped_piece rest = *piece_at(pieces, at);

		piece_at(pieces, at++)->end = start;
		if (rest.end > end) { /* a hole in the middle */
			rest.start = end;
			insert_piece(pieces, at, rest);
			return;
		}
	}
	while (at + n < pieces->n && piece_at(pieces, at + n)->end <= end)
		n++;
	remove_pieces(pieces, at, n);
	if (at < pieces->n && piece_at(pieces, at)->start < end)
		piece_at(pieces, at)->start = end;
}

void mapped_remove(struct mapped *mapped, uint64_t start, uint64_t len)
{
	if (!is_range(start, len))
		return;
	cut_range(&mapped->pieces, start, start + len);
	cut_range(&mapped->reserved, start, start + len);
}

static void insert_range(struct vec *pieces, struct mapped_piece piece)
{
	insert_piece(pieces, find_piece(pieces, piece.start), piece);
}

void mapped_add(struct mapped *mapped, uint64_t start, uint64_t len,
		uint64_t id)
{
	if (!is_range(start, len))
		return;
	mapped_remove(mapped, start, len);
	insert_range(&mapped->pieces,
		     (struct mapped_piece){ start, start + len, id });
}

/* In place of what is before or behind it; nothing is there yet. */
static void insert_reserved(struct vec *reserved, uint64_t start, uint64_t end)
{
	size_t at = find_piece(reserved, start);

	if (at < reserved->n && piece_at(reserved, at)->start == end) {
		end = piece_at(reserved, at)->end;
		remove_pieces(reserved, at, 1);
	}
	if (at && piece_at(reserved, at - 1)->end == start)
		piece_at(reserved, at - 1)->end = end;
	else if (reserved->n < MAPPED_RESERVED_MAX)
		insert_piece(reserved, at,
			     (struct mapped_piece){ start, end, 0 });
}

void mapped_reserve(struct mapped *mapped, uint64_t start, uint64_t len)
{
	if (!is_range(start, len))
		return;
	mapped_remove(mapped, start, len);
	insert_reserved(&mapped->reserved, start, start + len);
}

/* Where a file is, as between the parts of a library, it is a gap. */
static bool is_reserved(const struct maps_line *line)
{
	return !line->is_readable && !line->is_writable &&
	       !line->is_executable && line->is_private &&
	       (!line->path_len ||
		(line->path_len > 6 && !memcmp(line->path, "[anon:", 6)));
}

void mapped_reserve_all(struct mapped *mapped, const char *text, size_t len)
{
	const char *end = text + len;
	struct maps_line line;

	while (maps_next_line(&text, end, &line))
		if (is_reserved(&line))
			mapped_reserve(mapped, line.start,
				       line.end - line.start);
}

/*
 * Move what lies in the range from one list to @out, in one go: of hostile
 * records each may be about all pieces that there are.
 */
static void take_range(struct vec *pieces, uint64_t start, uint64_t end,
		       struct vec *out)
{
	*out = VEC_OF(struct mapped_piece);
	for (size_t i = find_piece(pieces, start);
	     i < pieces->n && piece_at(pieces, i)->start < end; i++) {
		struct mapped_piece *part = vec_push(out);

		*part = *piece_at(pieces, i);
		if (part->start < start)
			part->start = start;
		if (part->end > end)
			part->end = end;
	}
	cut_range(pieces, start, end);
}

/* Nothing of @pieces is where @parts are. They are lost beyond @max. */
static void merge(struct vec *pieces, const struct vec *parts, size_t max)
{
	size_t i = pieces->n, j = parts->n;

	if (i + j > max)
		return;
	for (size_t k = 0; k < parts->n; k++)
		vec_push(pieces);
	while (j) {
		const struct mapped_piece *part = piece_at(parts, j - 1);
		bool is_behind = i && piece_at(pieces, i - 1)->start >
					      part->start;

		*piece_at(pieces, i + j - 1) =
			is_behind ? *piece_at(pieces, i - 1) : *part;
		i -= is_behind;
		j -= !is_behind;
	}
}

/* Those side by side are one. */
static void join_reserved(struct vec *reserved)
{
	size_t n = 0;

	for (size_t i = 0; i < reserved->n; i++) {
		struct mapped_piece piece = *piece_at(reserved, i);

		if (n && piece_at(reserved, n - 1)->end == piece.start)
			piece_at(reserved, n - 1)->end = piece.end;
		else
			*piece_at(reserved, n++) = piece;
	}
	reserved->n = n;
}

uint64_t mapped_open(struct mapped *mapped, uint64_t start, uint64_t len,
		     uint64_t id)
{
	struct vec parts;
	uint64_t n = 0;

	if (!is_range(start, len))
		return 0;
	take_range(&mapped->reserved, start, start + len, &parts);
	for (size_t i = 0; i < parts.n; i++) {
		struct mapped_piece *part = piece_at(&parts, i);

		part->id = id;
		n += part->end - part->start;
	}
	merge(&mapped->pieces, &parts, MAPPED_PIECES_MAX);
	vec_clear(&parts);
	return n;
}

void mapped_close(struct mapped *mapped, uint64_t start, uint64_t len)
{
	struct vec parts;

	if (!is_range(start, len))
		return;
	take_range(&mapped->pieces, start, start + len, &parts);
	merge(&mapped->reserved, &parts, MAPPED_RESERVED_MAX);
	if (parts.n)
		join_reserved(&mapped->reserved);
	vec_clear(&parts);
}
