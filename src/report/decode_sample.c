/* SPDX-License-Identifier: MIT */
/* decode_sample.c - Sample and Label messages, most of a profile's bytes. */
#include "report/decode.h"

static void decode_frame(struct decoder *d, uint64_t id)
{
	uint32_t index = id_map_get(&d->location_ids, id);

	if (index == NO_ID)
		decoder_fail(d, "a sample has the location %llu, which is "
				"not there", (unsigned long long)id);
	*(uint32_t *)vec_push(&d->frames) = index;
}

/* Repeated numbers may come packed, one by one, or both. */
static void decode_numbers(struct decoder *d, struct wire *w, bool is_frames)
{
	struct wire packed;

	if (w->type != WIRE_TYPE_BYTES) {
		wire_uint(w);
		if (is_frames)
			decode_frame(d, w->value);
		else
			*(int64_t *)vec_push(&d->values) = (int64_t)w->value;
		return;
	}
	packed = wire_message(w);
	while (packed.at < packed.end && !packed.is_bad && !d->error) {
		uint64_t value = wire_varint(&packed);

		if (packed.is_bad)
			break;
		if (is_frames)
			decode_frame(d, value);
		else
			*(int64_t *)vec_push(&d->values) = (int64_t)value;
	}
	w->is_bad |= packed.is_bad;
}

/*
 * Lost as in pprof: a string label whose index is 0 and a number 0 without
 * unit, neither of which can be told from an absent one.
 */
static void decode_label(struct decoder *d, struct wire w)
{
	int64_t key = 0, str = 0, num = 0, unit = 0;
	struct pp_label *label;

	while (wire_next(&w)) {
		switch (w.number) {
		case 1: key = wire_int(&w); break;
		case 2: str = wire_int(&w); break;
		case 3: num = wire_int(&w); break;
		case 4: unit = wire_int(&w); break;
		default: break;
		}
	}
	if (w.is_bad)
		decoder_fail(d, "a label is damaged");
	if (!str && !num && !unit)
		return;
	label = vec_push(&d->labels);
	label->key = decoder_string(d, key);
	if (str) {
		label->str = decoder_string(d, str);
		return;
	}
	label->num = num;
	label->unit = decoder_string(d, unit);
	label->flags = PP_LABEL_IS_NUMBER | (unit ? PP_LABEL_HAS_UNITS : 0);
}

void decode_sample(struct decoder *d, struct wire w)
{
	struct pp *pp = d->pp;
	uint32_t stack, labels;

	d->frames.n = d->values.n = d->labels.n = 0;
	while (wire_next(&w)) {
		switch (w.number) {
		case 1: decode_numbers(d, &w, true); break;
		case 2: decode_numbers(d, &w, false); break;
		case 3: decode_label(d, wire_message(&w)); break;
		default: break;
		}
	}
	if (w.is_bad)
		decoder_fail(d, "a sample is damaged");
	if (!d->error && d->values.n != pp->types.n)
		decoder_fail(d, "mismatch: sample has %zu values vs. %zu "
				"types", d->values.n, pp->types.n);
	if (!d->error && d->frames.n >= UINT32_MAX)
		decoder_fail(d, "a stack has too many frames");
	if (d->error)
		return;
	stack = pp_stack(pp, d->frames.data, d->frames.n);
	labels = d->labels.n ? pp_labels(pp, d->labels.data, d->labels.n) : 0;
	memcpy(pp_sample(pp, stack, labels), d->values.data,
	       d->values.n * sizeof(int64_t));
}
