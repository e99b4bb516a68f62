/* SPDX-License-Identifier: MIT */
/* read.c - find out what a file is, unpack it, have it decoded. */
#include "report/read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "profile/write.h"
#include "report/decode.h"

#define FILE_MAX_BYTES ((size_t)4 << 30)
/*
 * Profiles shrink to a third or a tenth; a bomb to a thousandth. Small files
 * may do as they like.
 */
#define INFLATE_FACTOR_MAX 200
#define INFLATE_ALWAYS_BYTES ((size_t)64 << 20)
#define INFLATE_MAX_BYTES ((size_t)1 << 30)
#define SNIFF_BYTES 4096

static bool is_gzip(const unsigned char *data, size_t len)
{
	return len >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* Regular files, pipes, terminals: to the end. */
static struct error *read_all(int fd, struct strbuf *out)
{
	size_t cap = 65536, len = 0;
	struct stat st;
	char *data;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size < FILE_MAX_BYTES)
		cap = (size_t)st.st_size + 1;
	data = xmalloc(cap);
	for (;;) {
		ssize_t n = read(fd, data + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || len >= FILE_MAX_BYTES) {
			struct error *error =
				n < 0 ? error_errno(errno, "cannot read") :
					error_new("larger than 4 GiB");

			free(data);
			return error;
		}
		len += (size_t)n;
		if (!n)
			break;
		if (len == cap)
			data = xreallocarray(data, cap *= 2, 1);
	}
	*out = (struct strbuf){ data, len, cap };
	return NULL;
}

/* A whole field that a profile has may stand at its start. */
static bool starts_as_proto(const unsigned char *data, size_t len)
{
	struct wire w = { .at = data, .end = data + len };

	return wire_next(&w) && w.number >= 1 && w.number <= 15;
}

/*
 * The bytes of a profile.proto may begin as one of the texts does, but no text
 * is one: its table of strings has a NUL. So that is tried first.
 */
static struct error *decode(const char *data, size_t len,
			    struct intern *strings, struct pp **out)
{
	CLEANUP(pp_free) struct pp *pp = pp_new(strings);
	struct error *error = NULL;

	if (!len)
		return error_new("empty input file");
	if (starts_as_proto((const unsigned char *)data, len)) {
		error = decode_profile(pp, data, len);
		if (!error) {
			*out = TAKE(pp);
			return NULL;
		}
		pp_free(pp);
		pp = pp_new(strings);
	}
	/* Before folded stacks: "goroutine profile: total 5" might be one. */
	if (!error || legacy_starts_at(data, len) ||
	    folded_starts_at(data, len)) {
		error_free(error);
		error = !legacy_starts_at(data, len) &&
				folded_starts_at(data, len) ?
				pp_read_folded(pp, data, len) :
				pp_read_legacy(pp, data, len);
	}
	if (!error)
		*out = TAKE(pp);
	return error;
}

struct error *pp_read_bytes(const void *data, size_t len,
			    struct intern *strings, struct pp **out)
{
	CLEANUP(strbuf_clear) struct strbuf inflated = { 0 };
	size_t max = len < INFLATE_ALWAYS_BYTES / INFLATE_FACTOR_MAX ?
			     INFLATE_ALWAYS_BYTES :
			     len * INFLATE_FACTOR_MAX;
	struct error *error;

	if (is_gzip(data, len)) {
		error = gzip_inflate(data, len,
				     max < INFLATE_MAX_BYTES ?
					     max : INFLATE_MAX_BYTES,
				     &inflated);
		if (error)
			return error;
		data = inflated.data;
		len = inflated.len;
	}
	return decode(data, len, strings, out);
}

struct error *pp_read_file(const char *path, struct intern *strings,
			   struct pp **out)
{
	CLEANUP(strbuf_clear) struct strbuf data = { 0 };
	bool is_stdin = !strcmp(path, "-");
	CLEANUP(close_fd) int fd =
		is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
			   open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct error *error;

	if (fd < 0)
		return error_errno(errno, "%s", path);
	error = read_all(fd, &data);
	if (!error)
		error = pp_read_bytes(data.data, data.len, strings, out);
	return error ? error_wrap(error, "%s", path) : NULL;
}

bool pp_is_profile(const char *path)
{
	unsigned char head[SNIFF_BYTES];
	CLEANUP(close_fd) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	n = read(fd, head, sizeof(head));
	if (n < 2)
		return false;
	if (is_gzip(head, (size_t)n))
		return true;
	if (st.st_mode & 0111) /* rather a script than folded stacks */
		return false;
	/* The first field is a sample type in all profiles seen so far. */
	return (head[0] == 0x0a && starts_as_proto(head, (size_t)n)) ||
	       legacy_starts_at((const char *)head, (size_t)n) ||
	       folded_starts_at((const char *)head, (size_t)n);
}
