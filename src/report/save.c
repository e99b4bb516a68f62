/* SPDX-License-Identifier: MIT */
/* save.c - a copy of what was fetched, since it cannot be fetched again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "profile/write.h"
#include "report/encode.h"
#include "report/names.h"
#include "report/origin.h"
#include "util/io.h"
#include "util/log.h"

#define NAMES_TRIED_MAX 10000

/* The folder @path, and those above it. */
static bool make_folder(const char *path)
{
	CLEANUP(free) char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(copy, 0755);
			*p = '/';
		}
	return !mkdir(copy, 0755) || errno == EEXIST;
}

/* $PPROF_TMPDIR, or $HOME/pprof, or else $TMPDIR or /tmp. */
static char *find_folder(void)
{
	const char *own = getenv("PPROF_TMPDIR"), *home = getenv("HOME");
	const char *tmp = getenv("TMPDIR");
	char *folders[] = {
		own && *own ? xstrdup(own) : NULL,
		home && *home ? xasprintf("%s/pprof", home) : NULL,
		xstrdup(tmp && *tmp ? tmp : "/tmp"),
	};
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (!found && folders[i] && make_folder(folders[i]))
			found = TAKE(folders[i]);
		free(folders[i]);
	}
	return found;
}

/* "FOLDER/pprof.demo.samples.cpu." */
static void add_prefix(const struct pp *pp, const char *folder,
		       struct strbuf *out)
{
	strbuf_addf(out, "%s/pprof.", folder);
	if (pp->mappings.n) {
		const struct pp_mapping *mapping = pp->mappings.data;

		if (mapping->file) {
			path_add_base(out, pp_text(pp, mapping->file));
			strbuf_adds(out, ".");
		}
	}
	for (size_t i = 0; i < pp->types.n; i++) {
		const struct pp_type *type = vec_at(&pp->types, i);
		size_t at = out->len;

		strbuf_addf(out, "%s.", pp_text(pp, type->type));
		for (; at < out->len; at++)
			if (out->data[at] == '/')
				out->data[at] = '_';
	}
}

static struct error *write_copy(const struct pp *pp, int fd)
{
	CLEANUP(strbuf_clear) struct strbuf bytes = { 0 };
	CLEANUP(strbuf_clear) struct strbuf packed = { 0 };
	struct error *error;

	pp_encode(pp, &bytes);
	error = gzip_compress(bytes.data, bytes.len, &packed);
	if (!error && !io_write_full(fd, packed.data, packed.len))
		error = error_errno(errno, "cannot write");
	return error;
}

void profile_save(const struct pp *pp)
{
	CLEANUP(free) char *folder = find_folder();
	CLEANUP(strbuf_clear) struct strbuf prefix = { 0 };
	CLEANUP(free) char *path = NULL;
	CLEANUP(close_fd) int fd = -1;
	CLEANUP(error_free) struct error *error = NULL;

	if (folder)
		add_prefix(pp, folder, &prefix);
	errno = folder ? EEXIST : ENOENT;
	for (int i = 1; i < NAMES_TRIED_MAX && fd < 0 && errno == EEXIST;
	     i++) {
		free(path);
		path = xasprintf("%s%03d.pb.gz", prefix.data, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	error = fd < 0 ? error_errno(errno, "%s", path ? path : "no folder") :
			 write_copy(pp, fd);
	if (error)
		log_warning("Could not save profile: %s", error_text(error));
	else
		log_notice("Saved profile in %s", path);
}
