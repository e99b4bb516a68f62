/* SPDX-License-Identifier: MIT */
/* gzip.c - the only user of zlib. */
#include "profile/write.h"

#include <zlib.h>

#define GZIP_CHUNK_BYTES ((size_t)1 << 30) /* zlib counts in unsigned int */

static struct error *gzip_error(const z_stream *stream, int status)
{
	return error_new("cannot compress: %s",
			 stream->msg ? stream->msg : zError(status));
}

struct error *gzip_compress(const void *data, size_t len, struct strbuf *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)data };
	unsigned char buf[16384];
	int status;

	/* 16 + 15: a gzip header; the default one has no name and time 0. */
	status = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
			      16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	if (status != Z_OK)
		return gzip_error(&stream, status);
	do {
		if (!stream.avail_in) {
			stream.avail_in = (uInt)(len < GZIP_CHUNK_BYTES ?
							 len :
							 GZIP_CHUNK_BYTES);
			len -= stream.avail_in;
		}
		stream.next_out = buf;
		stream.avail_out = sizeof(buf);
		status = deflate(&stream, len ? Z_NO_FLUSH : Z_FINISH);
		strbuf_add(out, buf, sizeof(buf) - stream.avail_out);
	} while (status == Z_OK);
	deflateEnd(&stream);
	return status == Z_STREAM_END ? NULL : gzip_error(&stream, status);
}

const char *gzip_library_version(void)
{
	return zlibVersion();
}
