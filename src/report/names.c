/* SPDX-License-Identifier: MIT */
/* names.c - names of nodes; paths cleaned by the rules of Go's filepath. */
#include "report/names.h"

void node_add_name(const struct pp *pp, const struct node_info *info,
		   struct strbuf *out)
{
	const char *name = pp_text(pp, info->name);
	const char *file = pp_text(pp, info->file);
	const char *object = pp_text(pp, info->object);
	const char *blank = "";

	if (info->address) {
		strbuf_addf(out, "%016llx", (unsigned long long)info->address);
		blank = " ";
	}
	if (*name) {
		strbuf_addf(out, "%s%s", blank, name);
		blank = " ";
	}
	if (info->line) {
		strbuf_addf(out, "%s%s:%lld", blank, file,
			    (long long)info->line);
		if (info->column)
			strbuf_addf(out, ":%lld", (long long)info->column);
	} else if (*file) {
		strbuf_addf(out, "%s%s", blank, file);
	} else if (!*name && *object) {
		strbuf_addf(out, "%s[", blank);
		path_add_base(out, object);
		strbuf_adds(out, "]");
	} else if (!*name) {
		strbuf_addf(out, "%s<unknown>", blank);
	}
}

/* Cut the last part of what @out has behind @start; false if there is none
 * that a ".." may take back. */
static bool drop_last_part(struct strbuf *out, size_t start)
{
	size_t at = out->len;

	while (at > start && out->data[at - 1] != '/')
		at--;
	if (out->len == start || !strcmp(out->data + at, ".."))
		return false;
	out->len = at > start ? at - 1 : at;
	out->data[out->len] = '\0';
	return true;
}

void path_add_clean(struct strbuf *out, const char *path)
{
	bool is_rooted = *path == '/';
	size_t start = out->len + is_rooted;

	strbuf_adds(out, is_rooted ? "/" : "");
	while (*path) {
		size_t n = strcspn(path, "/");
		bool is_up = n == 2 && !memcmp(path, "..", 2);

		bool is_here = !n || (n == 1 && *path == '.');

		if (!is_here &&
		    !(is_up && (drop_last_part(out, start) || is_rooted))) {
			strbuf_adds(out, out->len > start ? "/" : "");
			strbuf_add(out, path, n);
		}
		path += n + (path[n] == '/');
	}
	if (out->len == start && !is_rooted)
		strbuf_adds(out, ".");
}

void path_add_base(struct strbuf *out, const char *path)
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	start = end;
	while (start && path[start - 1] != '/')
		start--;
	if (end)
		strbuf_add(out, path + start, end - start);
	else
		strbuf_adds(out, *path ? "/" : ".");
}

/* Behind "/NAME/" in @path, NAME being the last part of @dir. */
static const char *behind_directory(const char *path, const char *dir,
				    size_t len)
{
	CLEANUP(strbuf_clear) struct strbuf want = { 0 };
	CLEANUP(free) char *copy = xstrndup(dir, len);
	const char *found;

	strbuf_adds(&want, "/");
	path_add_base(&want, copy);
	strbuf_adds(&want, "/");
	found = strstr(path, want.data);
	return found ? found + want.len : NULL;
}

static const char *behind_prefix(const char *path, const char *prefix,
				 size_t len)
{
	bool has_slash = len && prefix[len - 1] == '/';

	if (strncmp(path, prefix, len) || (!has_slash && path[len] != '/'))
		return NULL;
	return path + len + !has_slash;
}

const char *path_trim(const char *path, const char *trim_path,
		      const char *source_path)
{
	/* Bazel leaves these behind. */
	static const char *const always[] = { "/proc/self/cwd/./",
					      "/proc/self/cwd/" };
	const char *found = NULL;

	for (const char *p = source_path; !*trim_path && *p && !found;) {
		size_t n = strcspn(p, ":");

		found = behind_directory(path, p, n);
		p += n + (p[n] == ':');
	}
	for (const char *p = trim_path; *p && !found;) {
		size_t n = strcspn(p, ":");

		found = behind_prefix(path, p, n);
		p += n + (p[n] == ':');
	}
	for (size_t i = 0; i < ARRAY_SIZE(always) && !found; i++)
		found = behind_prefix(path, always[i], strlen(always[i]));
	return found ? found : path;
}

size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80; /* not amid a UTF-8 character */
	return n;
}

void text_add_right(struct strbuf *out, const char *text, size_t width)
{
	for (size_t n = text_width(text); n < width; n++)
		strbuf_addc(out, ' ');
	strbuf_adds(out, text);
}
