/* SPDX-License-Identifier: MIT */
/*
 * advice.c - what to do about a module whose functions have no names.
 *
 * dpkg keeps a list of files for each package, one path a line, which is all
 * that is needed of it (dpkg-query(1), --listfiles):
 *
 *	/var/lib/dpkg/info/libssl3:amd64.list
 */
#include "symbol/advice.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "util/io.h"

#define LISTS "/var/lib/dpkg/info"
#define LIST_MAX_BYTES ((size_t)16 << 20)
#define LISTS_MAX 50000 /* hostile directories may be long */

/* Is @line all of a line of @text? */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	const char *p = text;

	while ((p = strstr(p, line))) {
		if ((p == text || p[-1] == '\n') &&
		    (p[len] == '\n' || !p[len]))
			return true;
		p += len;
	}
	return false;
}

/* Does the list @name of directory @dir_fd have @path? */
static bool list_has(int dir_fd, const char *name, const char *path)
{
	CLEANUP(close_fd) int fd = openat(dir_fd, name,
					  O_RDONLY | O_CLOEXEC | O_NONBLOCK |
						  O_NOFOLLOW | O_NOCTTY);
	CLEANUP(free) char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	text = io_read_fd(fd, LIST_MAX_BYTES, NULL);
	/* Packages from before /lib was /usr/lib say /lib. */
	return text && (has_line(text, path) ||
			(!strncmp(path, "/usr/", 5) &&
			 has_line(text, path + 4)));
}

/* "libssl3:amd64.list" -> "libssl3", or NULL. */
static char *package_of_list(const char *name)
{
	static const char ending[] = ".list";
	size_t len = strlen(name);

	if (len < sizeof(ending) ||
	    strcmp(name + len - sizeof(ending) + 1, ending))
		return NULL;
	len -= sizeof(ending) - 1;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.+-:",
			    name[i]))
			return NULL; /* no name that dpkg would take */
	return xstrndup(name, strcspn(name, ":") < len ? strcspn(name, ":")
						       : len);
}

char *package_of_file(const struct image_root *root, const char *path)
{
	int fd = io_open_in_root(root ? root->fd : -1, LISTS,
				 O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char *package = NULL;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	for (int i = 0; i < LISTS_MAX && (entry = readdir(dir)); i++) {
		package = package_of_list(entry->d_name);
		if (package && list_has(fd, entry->d_name, path))
			break;
		free(package);
		package = NULL;
	}
	closedir(dir);
	return package;
}

/* Do distributions, and nobody else, install files there? */
static bool is_distributed(const char *path)
{
	return (!strncmp(path, "/usr/", 5) &&
		strncmp(path, "/usr/local/", 11)) ||
	       !strncmp(path, "/lib", 4) || !strncmp(path, "/bin/", 5) ||
	       !strncmp(path, "/sbin/", 6);
}

static char *advice_on_stripped(const struct module *module,
				bool may_ask_servers)
{
	const char *path = module_path_in_root(module);
	CLEANUP(free) char *package = package_of_file(module->root, path);
	const char *other = may_ask_servers && module->build_id_bytes
				    ? " or use --debuginfod" : "";

	/* The one library whose debug package is not made by debhelper. */
	if (package && !strcmp(package, "libc6"))
		return xasprintf("install libc6-dbg%s", other);
	if (package)
		return xasprintf("install %s-dbgsym%s", package, other);
	if (is_distributed(path))
		return xasprintf("install its debuginfo package%s", other);
	return xstrdup("it is stripped: keep its symbols, or its .debug file "
		       "beside it");
}

char *symbol_advice(const struct module *module,
		    const struct symbol_summary *summary)
{
	if (module->fd < 0 && !module->image)
		return xasprintf("%s%s", module->is_deleted
					 ? "the file was deleted or replaced, "
					   "and " : "the file ",
				 "cannot be opened (root may be able to)");
	if (!module->is_elf)
		return xstrdup(module->fault);
	if (module->image && module->path[0] == '/')
		return xstrdup(module->is_deleted ? "the file was deleted or "
						    "replaced, and only its "
						    "memory can be read"
						  : "the file cannot be "
						    "opened, only its memory "
						    "can be read");
	if (summary && summary->refused)
		return xasprintf("%s is of another build; install the one of "
				 "this build", summary->refused);
	if (summary && summary->has_unreadable_dwarf)
		return xstrdup("its debug information is compressed with "
			       "zstd, which needs elfutils 0.189");
	if (summary && summary->lacks_split)
		return xstrdup("its .dwo files are not where they were when "
			       "it was compiled");
	return advice_on_stripped(module,
				  !summary || !summary->asked_servers);
}
