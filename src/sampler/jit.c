/* SPDX-License-Identifier: MIT */
/* jit.c - the code that one process makes at run time, and its names. */
#include "sampler/jit.h"

#include "util/log.h"

/*
 * Anonymous memory, and files that are no programs: V8 and HotSpot take the
 * former, .NET maps a memfd "doublemapper" twice, others /dev/zero. A file
 * that could not be opened may be a library, whose names are not here.
 */
bool jit_may_own(const struct mapping *mapping)
{
	static const char *const memory[] = { "/memfd:", "/dev/zero",
					      "/SYSV", "/dev/shm/" };

	if (!mapping->is_executable || !strcmp(mapping->path, "[vdso]") ||
	    !strcmp(mapping->path, "[vsyscall]"))
		return false;
	if (!mapping->module)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(memory); i++)
		if (!strncmp(mapping->path, memory[i], strlen(memory[i])))
			return !mapping->module->is_elf;
	return false;
}

struct jit *jit_new(pid_t pid, const struct jit *parent)
{
	struct jit *jit = xcalloc(1, sizeof(*jit));

	jit->pid = pid;
	jit->parent = parent;
	jit_file_open(&jit->file, pid);
	return jit;
}

void jit_free(struct jit *jit)
{
	if (!jit)
		return;
	jit_file_close(&jit->file);
	perf_map_free(jit->map);
	free(jit);
}

void jit_refresh(struct jit *jit)
{
	const char *reason = NULL;
	size_t len = 0;
	char *text = jit_file_read(&jit->file, PERF_MAP_MAX_BYTES, &len,
				   &reason);

	if (reason && !jit->is_told) {
		jit->is_told = true;
		log_warning("names of process %d in /tmp/perf-%d.map are not "
			    "used: %s", (int)jit->pid, (int)jit->file.pid,
			    reason);
	}
	if (!text)
		return;
	perf_map_free(jit->map);
	jit->map = perf_map_new(text, len);
	log_info("process %d: %zu names in /tmp/perf-%d.map", (int)jit->pid,
		 perf_map_n_entries(jit->map), (int)jit->file.pid);
}

const char *jit_find(const struct jit *jit, taddr addr)
{
	const char *name = NULL;

	for (; jit && !name; jit = jit->parent)
		name = jit->map ? perf_map_find(jit->map, addr) : NULL;
	return name;
}
