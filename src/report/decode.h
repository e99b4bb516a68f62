/* SPDX-License-Identifier: MIT */
/* decode.h - the parts of the profile.proto reader; read.h is its door. */
#ifndef REPORT_DECODE_H
#define REPORT_DECODE_H

#include "report/pp.h"
#include "report/wire.h"
#include "util/error.h"

/* From the ids of a file to indices. */
struct id_map {
	uint32_t *dense; /* of ids below n_dense; NO_ID: none */
	size_t n_dense;
	struct map sparse;
};

void id_map_init(struct id_map *map, size_t n);
void id_map_clear(struct id_map *map);
uint32_t id_map_get(const struct id_map *map, uint64_t id);
/* False if @id is taken. */
bool id_map_add(struct id_map *map, uint64_t id, uint32_t index);

struct decoder {
	struct pp *pp;
	struct vec strings; /* string_id of each index of the file */
	struct id_map mapping_ids, function_ids, location_ids;
	struct vec values;  /* int64_t, of the sample at hand */
	struct vec frames;  /* uint32_t, likewise */
	struct vec labels;  /* struct pp_label, likewise */
	struct error *error;
};

/* Say what is wrong, unless something was already. */
void decoder_fail(struct decoder *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The string with this index in the file's table. */
string_id decoder_string(struct decoder *d, int64_t index);

/* decode_sample.c: one Sample message. */
void decode_sample(struct decoder *d, struct wire w);

/* Decode @len bytes of an uncompressed profile.proto into @pp, empty so far. */
struct error *decode_profile(struct pp *pp, const void *data,
			     size_t len) MUST_USE;

#endif
