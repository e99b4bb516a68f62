/* SPDX-License-Identifier: MIT */
/*
 * symbolize_files.c - where the binaries of a profile are on this machine.
 *
 * PPROF_BINARY_PATH is a list of folders; in each, a binary may have any of
 * the names that pprof tries. What has another build id is passed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cli/symbolize.h"
#include "image/space.h"
#include "report/names.h"
#include "symbol/debuginfod.h"
#include "util/io.h"
#include "util/log.h"

void binaries_init(struct binaries *binaries)
{
	modules_init(&binaries->modules);
}

void binaries_clear(struct binaries *binaries)
{
	modules_clear(&binaries->modules);
}

static int open_path(void *ctx, const struct mapping *mapping)
{
	(void)ctx;
	return open(mapping->path,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

const struct module *binaries_open(struct binaries *binaries, const char *path)
{
	static const struct image_source source = {
		.open_mapping = open_path,
		.takes_32_bit = true,
	};
	CLEANUP(free) char *real = realpath(path, NULL);
	struct mapping mapping = { .path = real };
	const struct module *module;
	struct stat st;

	if (!real || stat(real, &st) || !S_ISREG(st.st_mode))
		return NULL;
	mapping.inode = st.st_ino;
	mapping.dev_major = major(st.st_dev);
	mapping.dev_minor = minor(st.st_dev);
	module = modules_open(&binaries->modules, &mapping, &source);
	return module && module->is_elf ? module : NULL;
}

/* --- PPROF_BINARY_PATH --------------------------------------------------- */

struct candidate { /* what is looked for */
	struct binaries *binaries;
	const char *file, *build_id; /* of the mapping, "": none */
	char *base, *folder;	     /* of the file */
};

/* Is the binary of the mapping at this path? The path is consumed. */
static char *try_path(const struct candidate *c, char *path)
{
	char id[2 * BUILD_ID_MAX + 1];
	const struct module *module = binaries_open(c->binaries, path);

	if (module && (!*c->build_id ||
		       !strcmp(module_build_id_text(module, id),
			       c->build_id)))
		return path;
	if (module)
		log_notice("Ignoring local file %s: build-id mismatch "
			   "(%s != %s)", path, c->build_id, id);
	free(path);
	return NULL;
}

/* FOLDER/BUILD-ID/anything */
static char *try_all_of_id(const struct candidate *c, const char *folder)
{
	CLEANUP(free) char *pattern = xasprintf("%s/%s/*", folder,
						c->build_id);
	glob_t found = { 0 };
	char *path = NULL;

	if (!glob(pattern, GLOB_NOSORT, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && !path; i++)
			path = try_path(c, xstrdup(found.gl_pathv[i]));
	globfree(&found);
	return path;
}

static char *try_build_id(const struct candidate *c, const char *folder)
{
	const char *id = c->build_id;
	char *path = NULL;

	/* A build id is hexadecimal; nothing else may be part of a path. */
	if (strlen(id) < 3 || id[strspn(id, "0123456789abcdefABCDEF")])
		return NULL;
	if (*c->file)
		path = try_path(c, xasprintf("%s/%s/%s", folder, id,
					     c->base));
	if (!path)
		path = try_all_of_id(c, folder);
	if (!path)
		path = try_path(c, xasprintf("%s/%s/%s", folder, c->file, id));
	if (!path)
		path = try_path(c, xasprintf("%s/%.2s/%s.debug", folder, id,
					     id + 2));
	return path;
}

static char *try_file(const struct candidate *c, const char *folder)
{
	char *paths[] = {
		xasprintf("%s/%s", folder, c->base),
		xasprintf("%s/%s", folder, c->file),
		xasprintf("%s/%s.debug", folder, c->file),
		xasprintf("%s/%s/.debug/%s.debug", folder, c->folder, c->base),
		xasprintf("%s/usr/lib/debug/%s/%s.debug", folder, c->folder,
			  c->base),
	};
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (found)
			free(paths[i]);
		else
			found = try_path(c, paths[i]);
	}
	return found;
}

static char *find_in_path(const struct candidate *c, const char *search_path)
{
	char *found = NULL;

	for (const char *p = search_path; *p && !found;) {
		size_t n = strcspn(p, ":");
		CLEANUP(free) char *folder = xstrndup(p, n);

		p += n + (p[n] == ':');
		if (n && *c->build_id)
			found = try_build_id(c, folder);
		if (n && !found && *c->file)
			found = try_file(c, folder);
	}
	return found;
}

static char *find_binary(struct binaries *binaries, const struct pp *pp,
			 const struct pp_mapping *mapping,
			 const char *search_path)
{
	CLEANUP(strbuf_clear) struct strbuf base = { 0 };
	struct candidate c = { .binaries = binaries,
			       .file = pp_text(pp, mapping->file),
			       .build_id = pp_text(pp, mapping->build_id) };
	const char *slash = strrchr(c.file, '/');
	char *found;

	path_add_base(&base, c.file);
	c.base = base.data;
	c.folder = slash ? xstrndup(c.file, (size_t)(slash - c.file)) :
			   xstrdup("");
	found = find_in_path(&c, search_path);
	free(c.folder);
	return found;
}

void symbolize_locate(void *ctx, struct pp *pp)
{
	const char *search_path = getenv("PPROF_BINARY_PATH");
	const char *home = getenv("HOME");
	CLEANUP(free) char *standard =
		home ? xasprintf("%s/pprof/binaries", home) : NULL;
	struct binaries binaries;

	(void)ctx;
	if (!search_path || !*search_path)
		search_path = standard;
	if (!search_path)
		return;
	binaries_init(&binaries);
	for (size_t i = 0; i < pp->mappings.n; i++) {
		struct pp_mapping *mapping = vec_at(&pp->mappings, i);
		CLEANUP(free) char *path = find_binary(&binaries, pp, mapping,
						       search_path);

		if (path)
			mapping->file = pp_string(pp, path);
	}
	binaries_clear(&binaries);
}

/* --- sources ------------------------------------------------------------ */

#define SOURCE_BYTES_MAX ((size_t)64 << 20)

/* "0a1b..." into bytes; their number, or 0. */
static size_t parse_build_id(const char *text, uint8_t *out)
{
	size_t n = strlen(text) / 2;

	if (!n || n > BUILD_ID_MAX || text[2 * n] ||
	    text[strspn(text, "0123456789abcdefABCDEF")])
		return 0;
	for (size_t i = 0; i < n; i++) {
		char digits[] = { text[2 * i], text[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static char *fetch_source(void *ctx, const char *build_id, const char *path,
			  size_t *out_len)
{
	uint8_t id[BUILD_ID_MAX];
	size_t n = parse_build_id(build_id, id);
	CLEANUP(close_fd) int fd = -1;

	if (n)
		fd = debuginfod_fetch_source(ctx, id, n, path);
	return fd < 0 ? NULL : io_read_fd(fd, SOURCE_BYTES_MAX, out_len);
}

struct source_server *symbolize_sources_new(struct error **out_error)
{
	struct source_server *server;
	struct debuginfod *client;

	*out_error = debuginfod_open(&client);
	if (*out_error)
		return NULL;
	server = xcalloc(1, sizeof(*server));
	server->fetch = fetch_source;
	server->ctx = client;
	return server;
}

void symbolize_sources_free(struct source_server *server)
{
	if (server)
		debuginfod_close(server->ctx);
	free(server);
}
