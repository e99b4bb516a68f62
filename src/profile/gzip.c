/* SPDX-License-Identifier: MIT */
/* gzip.c - the only user of zlib. */
#include "profile/write.h"

#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

#define GZIP_CHUNK_BYTES ((size_t)1 << 30) /* zlib counts in unsigned int */

static struct error *gzip_error(const z_stream *stream, int status)
{
	return error_new("cannot compress: %s",
			 stream->msg ? stream->msg : zError(status));
}

struct gzip {
	z_stream stream;
	int status;
};

struct gzip *gzip_new(void)
{
	struct gzip *gzip = xcalloc(1, sizeof(*gzip));

	/* 16 + 15: a gzip header; the default one has no name and time 0. */
	gzip->status = deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION,
				    Z_DEFLATED, 16 + MAX_WBITS, 8,
				    Z_DEFAULT_STRATEGY);
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	if (!gzip)
		return;
	deflateEnd(&gzip->stream); /* of one that was not begun: no harm */
	free(gzip);
}

/* Until all that is there is taken, and for Z_FINISH all is written. */
static struct error *gzip_run(struct gzip *gzip, int flush,
			      struct strbuf *out)
{
	z_stream *stream = &gzip->stream;
	unsigned char buf[16384];

	while (gzip->status == Z_OK) {
		stream->next_out = buf;
		stream->avail_out = sizeof(buf);
		gzip->status = deflate(stream, flush);
		strbuf_add(out, buf, sizeof(buf) - stream->avail_out);
		if (flush == Z_NO_FLUSH && stream->avail_out)
			break;
	}
	/* There was nothing left to do: no error (zlib.h). */
	if (flush == Z_NO_FLUSH && gzip->status == Z_BUF_ERROR)
		gzip->status = Z_OK;
	if (gzip->status == (flush == Z_FINISH ? Z_STREAM_END : Z_OK))
		return NULL;
	return gzip_error(stream, gzip->status);
}

struct error *gzip_add(struct gzip *gzip, const void *data, size_t len,
		       struct strbuf *out)
{
	z_stream *stream = &gzip->stream;
	struct error *error = NULL;

	stream->next_in = (Bytef *)(uintptr_t)data;
	while (len && !error) {
		stream->avail_in = (uInt)(len < GZIP_CHUNK_BYTES ?
						  len : GZIP_CHUNK_BYTES);
		len -= stream->avail_in;
		error = gzip_run(gzip, Z_NO_FLUSH, out);
	}
	return error;
}

struct error *gzip_end(struct gzip *gzip, struct strbuf *out)
{
	return gzip_run(gzip, Z_FINISH, out);
}

struct error *gzip_compress(const void *data, size_t len, struct strbuf *out)
{
	CLEANUP(gzip_free) struct gzip *gzip = gzip_new();
	struct error *error = gzip_add(gzip, data, len, out);

	return error ? error : gzip_end(gzip, out);
}

struct inflated {
	unsigned char *data;
	size_t len, cap, max;
};

/* The buffer is full: more of it, or false at the limit. */
static bool inflated_grow(struct inflated *to)
{
	size_t cap = to->cap < to->max / 2 ? 2 * to->cap : to->max;

	if (to->cap >= to->max)
		return false;
	to->data = xreallocarray(to->data, cap, 1);
	to->cap = cap;
	return true;
}

/* One member of a gzip file (RFC 1952, 2.2). Z_BUF_ERROR: beyond the limit. */
static int inflate_member(z_stream *stream, const unsigned char *end,
			  struct inflated *to)
{
	int status;

	do {
		size_t left = (size_t)(end - stream->next_in), room;

		if (to->len == to->cap && !inflated_grow(to))
			return Z_BUF_ERROR;
		room = to->cap - to->len;
		stream->avail_in = (uInt)(left < GZIP_CHUNK_BYTES ?
						  left : GZIP_CHUNK_BYTES);
		stream->next_out = to->data + to->len;
		stream->avail_out = (uInt)(room < GZIP_CHUNK_BYTES ?
						   room : GZIP_CHUNK_BYTES);
		status = inflate(stream, Z_NO_FLUSH);
		to->len = (size_t)(stream->next_out - to->data);
		if (status == Z_BUF_ERROR) /* nothing left to read */
			return Z_DATA_ERROR;
	} while (status == Z_OK);
	return status;
}

/* What the last four bytes say, if one may believe it (ISIZE). */
static size_t inflated_size_hint(const unsigned char *data, size_t len,
				 size_t max)
{
	size_t hint = len < 4 ? 0 : (size_t)data[len - 4] |
					    (size_t)data[len - 3] << 8 |
					    (size_t)data[len - 2] << 16 |
					    (size_t)data[len - 1] << 24;

	if (hint < 4096 || hint > 16 * len)
		hint = 4096;
	return hint + 1 < max ? hint + 1 : max;
}

struct error *gzip_inflate(const void *data, size_t len, size_t max,
			   struct strbuf *out)
{
	const unsigned char *start = data, *end = start + len;
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)data };
	struct inflated to = { .max = max };
	int status = inflateInit2(&stream, 16 + MAX_WBITS);

	if (status != Z_OK)
		return gzip_error(&stream, status);
	to.cap = inflated_size_hint(start, len, max);
	to.data = xmalloc(to.cap);
	do {
		status = inflate_member(&stream, end, &to);
	} while (status == Z_STREAM_END && stream.next_in < end &&
		 inflateReset(&stream) == Z_OK);
	inflateEnd(&stream);
	if (status == Z_STREAM_END) {
		*out = (struct strbuf){ (char *)to.data, to.len, to.cap };
		return NULL;
	}
	free(to.data);
	if (status == Z_BUF_ERROR)
		return error_new("it would grow beyond %zu MiB when "
				 "decompressed", max >> 20);
	return error_new("decompressing profile: %s",
			 status == Z_DATA_ERROR ? "the data are damaged"
						: zError(status));
}

const char *gzip_library_version(void)
{
	return zlibVersion();
}
