/* SPDX-License-Identifier: MIT */
/*
 * wire.h - step through the fields of a protobuf message.
 *
 *	struct wire w = { data, data + len };
 *	while (wire_next(&w))
 *		switch (w.number) ...
 *	if (w.is_bad) ...
 *
 * Nothing is trusted: every length is checked against what is left.
 */
#ifndef REPORT_WIRE_H
#define REPORT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_TYPE_VARINT = 0, WIRE_TYPE_I64 = 1, WIRE_TYPE_BYTES = 2,
       WIRE_TYPE_I32 = 5 };

struct wire {
	const uint8_t *at, *end; /* what is left */
	bool is_bad;
	uint32_t type;
	uint64_t number;
	uint64_t value;			/* of a varint */
	const uint8_t *bytes, *bytes_end; /* of a string or message */
};

/* At most ten bytes; bits beyond the 64th are dropped, as Go's reader does. */
static inline uint64_t wire_varint(struct wire *w)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 70 && w->at < w->end; shift += 7) {
		uint8_t byte = *w->at++;

		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			return value;
	}
	w->is_bad = true;
	return 0;
}

static inline bool wire_skip(struct wire *w, uint64_t n)
{
	w->bytes = w->at;
	if (n > (uint64_t)(w->end - w->at)) {
		w->is_bad = true;
		return false;
	}
	w->at += n;
	w->bytes_end = w->at;
	return true;
}

/* The next field; false at the end, or with is_bad set. */
static inline bool wire_next(struct wire *w)
{
	uint64_t key;

	if (w->is_bad || w->at >= w->end)
		return false;
	key = wire_varint(w);
	w->number = key >> 3;
	w->type = key & 7;
	w->bytes = w->bytes_end = w->at;
	w->value = 0;
	switch (w->type) {
	case WIRE_TYPE_VARINT:
		w->value = wire_varint(w);
		return !w->is_bad;
	case WIRE_TYPE_I64:
		return !w->is_bad && wire_skip(w, 8);
	case WIRE_TYPE_BYTES:
		key = wire_varint(w);
		return !w->is_bad && wire_skip(w, key);
	case WIRE_TYPE_I32:
		return !w->is_bad && wire_skip(w, 4);
	default:
		w->is_bad = true;
		return false;
	}
}

/* The value of a field that must be a varint. */
static inline uint64_t wire_uint(struct wire *w)
{
	if (w->type != WIRE_TYPE_VARINT)
		w->is_bad = true;
	return w->value;
}

static inline int64_t wire_int(struct wire *w)
{
	return (int64_t)wire_uint(w);
}

/* The message in a field that must hold one. */
static inline struct wire wire_message(struct wire *w)
{
	if (w->type != WIRE_TYPE_BYTES)
		w->is_bad = true;
	return (struct wire){ .at = w->bytes, .end = w->bytes_end };
}

#endif
