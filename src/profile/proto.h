/* SPDX-License-Identifier: MIT */
/*
 * proto.h - the protobuf wire format, as far as profile.proto needs it.
 *
 * As proto3 does, scalar fields that are 0 are not written.
 */
#ifndef PROFILE_PROTO_H
#define PROFILE_PROTO_H

#include <stdint.h>

#include "util/strbuf.h"

void proto_add_varint(struct strbuf *out, uint64_t value);

/* Field @number of a varint type; negative values take 10 bytes. */
void proto_add_int(struct strbuf *out, unsigned number, int64_t value);

/* Field @number of a string, bytes, message or packed type. */
void proto_add_bytes(struct strbuf *out, unsigned number, const void *bytes,
		     size_t len);

#endif
