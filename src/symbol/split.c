/* SPDX-License-Identifier: MIT */
/*
 * split.c - have libdw open .dwo files in the target's root directory.
 *
 * A thread of its own enters that directory: unshare(2), CLONE_FS. libdw keeps
 * what it has opened there with the unit. Before, all paths that it would try
 * are looked at, since it cannot be told not to open a FIFO.
 */
#include "symbol/split.h"

#include <dwarf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/io.h"
#include "util/log.h"

#define PATHS_MAX 2

enum file_kind { FILE_MISSING, FILE_REGULAR, FILE_ODD };

static enum file_kind file_kind(int root_fd, const char *path)
{
	CLEANUP(close_fd) int fd = io_open_in_root(root_fd, path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return FILE_MISSING;
	return S_ISREG(st.st_mode) ? FILE_REGULAR : FILE_ODD;
}

char *split_directory(int fd)
{
	char link[64];
	char *path, *slash;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	path = realpath(link, NULL);
	slash = path ? strrchr(path, '/') : NULL;
	if (slash)
		*slash = '\0';
	return path;
}

static const char *unit_string(Dwarf_Die *die, unsigned attribute)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, attribute, &attr) ? dwarf_formstring(&attr)
						 : NULL;
}

/*
 * The paths at which libdw looks for the file of a unit (0.188,
 * __libdw_find_split_unit): beside the program, then where it was compiled.
 */
static size_t list_paths(Dwarf_Die *die, const char *beside,
			 char *paths[PATHS_MAX])
{
	const char *name = unit_string(die, DW_AT_dwo_name);
	const char *dir = unit_string(die, DW_AT_comp_dir);
	size_t n = 0;

	if (!name)
		name = unit_string(die, DW_AT_GNU_dwo_name);
	if (!name)
		return 0;
	if (name[0] == '/') {
		paths[n++] = xstrdup(name);
		return n;
	}
	if (beside)
		paths[n++] = xasprintf("%s/%s", beside, name);
	if (dir && dir[0] == '/')
		paths[n++] = xasprintf("%s/%s", dir, name);
	else if (dir && beside)
		paths[n++] = xasprintf("%s/%s/%s", beside, dir, name);
	return n;
}

/* What there is below @root_fd: the oddest of @paths. */
static enum file_kind paths_kind(int root_fd, char *paths[], size_t n)
{
	enum file_kind kind = FILE_MISSING;

	for (size_t i = 0; i < n; i++) {
		enum file_kind other = file_kind(root_fd, paths[i]);

		kind = other > kind ? other : kind;
	}
	return kind;
}

/* Units whose files are to be opened in one root directory. */
struct visit {
	struct vec units; /* struct split_unit *, in the vector of the caller */
	int root_fd;
};

static void visit_units(struct visit *visit)
{
	for (size_t i = 0; i < visit->units.n; i++) {
		struct split_unit *unit =
			*(struct split_unit **)vec_at(&visit->units, i);

		if (dwarf_cu_info(unit->cu, NULL, NULL, NULL, &unit->detail,
				  NULL, NULL, NULL))
			unit->detail.addr = NULL;
	}
}

static void *visit_root(void *arg)
{
	struct visit *visit = arg;

	if (unshare(CLONE_FS) || fchdir(visit->root_fd) || chroot("."))
		return NULL;
	visit_units(visit);
	return visit;
}

/* False if that directory cannot be entered. */
static bool visit_begin(struct visit *visit)
{
	pthread_t thread;
	void *result = NULL;

	if (!visit->units.n)
		return true;
	if (pthread_create(&thread, NULL, visit_root, visit))
		return false;
	pthread_join(thread, &result);
	return result != NULL;
}

static void list_units(Dwarf *dwarf, struct vec *out)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Half version;
	uint8_t type;
	Dwarf_Die die;

	/* Without a place for the split unit none is looked for. */
	while (dwarf_get_units(dwarf, cu, &cu, &version, &type, &die,
			       NULL) == 0)
		if (type == DW_UT_skeleton)
			((struct split_unit *)vec_push(out))->cu = cu;
}

/* Add @unit to where its file is, or to nobody if that is odd. */
static void choose_root(struct split_unit *unit, const char *beside,
			struct visit *theirs, struct visit *ours)
{
	enum file_kind kind = FILE_MISSING;
	struct visit *visit = theirs;
	char *paths[PATHS_MAX];
	Dwarf_Die die;
	size_t n;

	if (dwarf_cu_info(unit->cu, NULL, NULL, &die, NULL, NULL, NULL, NULL))
		return;
	n = list_paths(&die, beside, paths);
	if (theirs->root_fd >= 0)
		kind = paths_kind(theirs->root_fd, paths, n);
	if (kind == FILE_MISSING) {
		visit = ours;
		kind = paths_kind(-1, paths, n);
	}
	if (kind != FILE_ODD) /* a .dwp file may have what is missing */
		*(struct split_unit **)vec_push(&visit->units) = unit;
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
}

void split_find(Dwarf *dwarf, const struct debug_search *search,
		struct vec *out)
{
	const struct module *module = search->module;
	struct visit ours = { VEC_OF(struct split_unit *), -1 };
	struct visit theirs = { VEC_OF(struct split_unit *),
				module->root ? module->root->fd : -1 };
	CLEANUP(free) char *own = NULL;
	const char *beside = search->directory;

	list_units(dwarf, out);
	if (out->n && !beside && module->fd >= 0)
		beside = own = split_directory(module->fd);
	for (size_t i = 0; i < out->n; i++)
		choose_root(vec_at(out, i), beside, &theirs, &ours);
	if (!visit_begin(&theirs))
		log_info("%s: its .dwo files are below another root "
			 "directory, which only root can enter",
			 module->path);
	visit_units(&ours);
	vec_clear(&theirs.units);
	vec_clear(&ours.units);
}
