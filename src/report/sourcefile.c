/* SPDX-License-Identifier: MIT */
/* sourcefile.c - find and read source files. */
#include "report/sourcefile.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "profile/text.h"
#include "report/names.h"
#include "util/io.h"

#define SOURCE_BYTES_MAX ((size_t)64 << 20)

/* A directory or a device is no source; reading a FIFO would not end. */
static char *read_source(const char *path, size_t *out_len)
{
	struct stat st;

	if (stat(path, &st))
		return NULL;
	/* Files of /proc have no size, and one of them would never end. */
	if (!S_ISREG(st.st_mode) || !st.st_size) {
		errno = EINVAL;
		return NULL;
	}
	return io_read_file(path, SOURCE_BYTES_MAX, out_len);
}

/* @path below @dir (@len bytes) or below a directory above it. */
static char *read_upwards(const char *dir, size_t len, const char *path,
			  size_t *out_len)
{
	CLEANUP(strbuf_clear) struct strbuf base = { 0 };
	CLEANUP(strbuf_clear) struct strbuf joined = { 0 };
	CLEANUP(free) char *copy = xstrndup(dir, len);
	char *text, *slash;

	path_add_clean(&base, copy);
	for (;;) {
		CLEANUP(free) char *both =
			xasprintf("%s/%s", base.data, path);

		strbuf_reset(&joined);
		path_add_clean(&joined, both);
		text = read_source(joined.data, out_len);
		if (text || !strcmp(base.data, "/") ||
		    !strcmp(base.data, "."))
			return text;
		slash = strrchr(base.data, '/');
		if (slash)
			base.len = slash > base.data ?
					   (size_t)(slash - base.data) : 1;
		else
			base.len = 0;
		base.data[base.len] = '\0';
		if (!base.len)
			strbuf_adds(&base, ".");
	}
}

static char *read_searched(const char *path, const char *source_path,
			   size_t *out_len)
{
	char *text = NULL;

	for (const char *p = source_path; *p && !text;) {
		size_t n = strcspn(p, ":");

		text = read_upwards(p, n, path, out_len);
		p += n + (p[n] == ':');
	}
	return text;
}

/* What @path ends in, as much as possible, below one of the folders. */
static char *read_by_ending(const char *path, const char *source_path,
			    size_t *out_len)
{
	char *text = NULL;

	while (!text && (path = strchr(path, '/'))) {
		path += strspn(path, "/");
		for (const char *p = source_path; *path && *p && !text;) {
			int n = (int)strcspn(p, ":");
			CLEANUP(free) char *joined =
				xasprintf("%.*s/%s", n, p, path);

			text = read_source(joined, out_len);
			p += n + (p[n] == ':');
		}
	}
	return text;
}

/* Files may hold any bytes; what is shown is UTF-8. */
static void split_lines(struct sourcefile *file, size_t len)
{
	CLEANUP(strbuf_clear) struct strbuf repaired = { 0 };
	char *line = file->text;

	for (size_t i = 0; i < len; i++)
		if (!line[i])
			line[i] = ' ';
	if (!utf8_is_valid(file->text)) {
		utf8_add_repaired(&repaired, file->text);
		free(file->text);
		file->text = strbuf_take(&repaired);
		line = file->text;
	}
	while (*line) {
		size_t n = strcspn(line, "\n");
		bool is_last = !line[n];

		*(char **)vec_push(&file->lines) = line;
		line[n] = '\0';
		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		if (is_last)
			break;
		line += n + 1;
	}
}

void sourcefile_open(struct sourcefile *file, const char *path,
		     const char *trim_path, const char *source_path)
{
	CLEANUP(free) char *here = NULL;
	size_t len = 0;

	*file = (struct sourcefile){ .lines = VEC_OF(char *) };
	if (!*source_path) {
		here = getcwd(NULL, 0);
		source_path = here ? here : ".";
	}
	path = path_trim(path, trim_path, source_path);
	if (*path == '/') {
		int err;

		file->text = read_source(path, &len);
		err = errno;
		if (!file->text && !here)
			file->text = read_by_ending(path, source_path, &len);
		if (!file->text)
			file->error = xasprintf(
				"open %s: %s", path,
				err == ENOENT ? "no such file or directory" :
						strerror(err));
	} else {
		file->text = read_searched(path, source_path, &len);
		if (!file->text)
			file->error = xasprintf("could not find file %s on "
						"path %s", path, source_path);
	}
	if (file->text)
		split_lines(file, len);
}

/* Has @location a line of @path? */
static bool has_path(const struct pp *pp, const struct pp_location *location,
		     string_id path)
{
	for (uint32_t i = 0; i < location->n_lines; i++) {
		const struct pp_line *line =
			vec_at(&pp->lines, location->first_line + i);
		const struct pp_function *function =
			vec_at(&pp->functions, line->function);

		if (function->filename == path)
			return true;
	}
	return false;
}

void sourcefile_ask(struct sourcefile *file, const struct pp *pp,
		    string_id path, const struct source_server *server)
{
	CLEANUP(free) bool *is_asked = xcalloc(pp->mappings.n, 1);
	size_t len = 0;

	if (!server || file->text || *pp_text(pp, path) != '/')
		return;
	for (size_t i = 0; i < pp->locations.n && !file->text; i++) {
		const struct pp_location *location =
			vec_at(&pp->locations, i);
		const struct pp_mapping *mapping;

		if (location->mapping == NO_ID || is_asked[location->mapping] ||
		    !has_path(pp, location, path))
			continue;
		is_asked[location->mapping] = true;
		mapping = vec_at(&pp->mappings, location->mapping);
		if (mapping->build_id)
			file->text = server->fetch(
				server->ctx, pp_text(pp, mapping->build_id),
				pp_text(pp, path), &len);
	}
	if (!file->text)
		return;
	free(file->error);
	file->error = NULL;
	split_lines(file, len);
}

void sourcefile_clear(struct sourcefile *file)
{
	vec_clear(&file->lines);
	free(file->text);
	free(file->error);
	*file = (struct sourcefile){ 0 };
}

const char *sourcefile_line(const struct sourcefile *file, int64_t number)
{
	if (number < 1 || (uint64_t)number > file->lines.n)
		return NULL;
	return *(char **)vec_at(&file->lines, (size_t)number - 1);
}
