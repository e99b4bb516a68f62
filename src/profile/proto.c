/* SPDX-License-Identifier: MIT */
/* proto.c - write varints and fields ("Protocol Buffers: Encoding"). */
#include "profile/proto.h"

enum wire_type { WIRE_VARINT = 0, WIRE_BYTES = 2 };

void proto_add_varint(struct strbuf *out, uint64_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (unsigned char)(value | 0x80);
	bytes[n++] = (unsigned char)value;
	strbuf_add(out, bytes, n);
}

void proto_add_int(struct strbuf *out, unsigned number, int64_t value)
{
	if (!value)
		return;
	proto_add_varint(out, number << 3 | WIRE_VARINT);
	proto_add_varint(out, (uint64_t)value);
}

void proto_add_bytes(struct strbuf *out, unsigned number, const void *bytes,
		     size_t len)
{
	proto_add_varint(out, number << 3 | WIRE_BYTES);
	proto_add_varint(out, len);
	strbuf_add(out, bytes, len);
}
