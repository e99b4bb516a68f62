/* SPDX-License-Identifier: MIT */
/*
 * write.h - a profile as bytes: pprof's protobuf, folded stacks.
 *
 * Same tables, same bytes: nothing here depends on the time, on addresses of
 * memory or on hash order. Output goes to a strbuf; cli/ puts it in a file.
 */
#ifndef PROFILE_WRITE_H
#define PROFILE_WRITE_H

#include "profile/profile.h"
#include "util/strbuf.h"

/* profile.proto, not compressed. */
void profile_write_proto(const struct profile *profile, struct strbuf *out);

/* One gzip member without name and time stamp, as its bytes come. */
struct gzip;

struct gzip *gzip_new(void);
struct error *gzip_add(struct gzip *gzip, const void *data, size_t len,
		       struct strbuf *out) MUST_USE;
struct error *gzip_end(struct gzip *gzip, struct strbuf *out) MUST_USE;
void gzip_free(struct gzip *gzip);
DEFINE_CLEANUP(gzip_free, struct gzip *)

/* The same of @len bytes at @data that are there as a whole. */
struct error *gzip_compress(const void *data, size_t len,
			    struct strbuf *out) MUST_USE;

/*
 * The bytes of all gzip members in @len bytes at @data, at most @max of them.
 * @out is not terminated by a NUL.
 */
struct error *gzip_inflate(const void *data, size_t len, size_t max,
			   struct strbuf *out) MUST_USE;

/* The version of zlib, for --version. */
const char *gzip_library_version(void);

/* profile.proto, gzipped: the .pb.gz that go tool pprof opens. */
struct error *profile_write_pprof(const struct profile *profile,
				  struct strbuf *out) MUST_USE;

/*
 * "root;caller;leaf 12\n", sorted, one line per distinct text, value
 * @type_index. String labels "process" and "thread_name" become outer frames
 * "process;thread;root..." when the profile's samples carry them.
 */
void profile_write_folded(const struct profile *profile, size_t type_index,
			  struct strbuf *out);

#endif
