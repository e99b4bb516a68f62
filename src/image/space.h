/* SPDX-License-Identifier: MIT */
/*
 * space.h - the address space of one process: its mappings and modules.
 *
 * The table is made from the text of /proc/PID/maps. When the maps are read
 * again, a mapping that is still the same keeps its id; one that is new, or
 * other than before at the same address (dlclose and dlopen), gets a new
 * one. So (mapping id, address) names a place in code for good, and mappings
 * that are gone stay in the list, marked so. (Only the ids of executable
 * mappings are for good: one without code that is gone may lend its id to
 * another without code, else a process that maps and unmaps all day would
 * fill the list.) The generation grows whenever an executable mapping came
 * or went: caches keyed by address are then stale.
 */
#ifndef IMAGE_SPACE_H
#define IMAGE_SPACE_H

#include "image/module.h"

struct mapping {
	uint32_t id; /* dense within the space */
	bool is_live;
	bool is_readable, is_writable, is_executable, is_private;
	taddr start, end;
	uint64_t offset;
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	const char *path;      /* owned by the space; "" = anonymous */
	bool is_deleted;       /* path had " (deleted)", now removed */
	struct module *module; /* NULL: no file behind it */
};

struct space;

/*
 * A new, empty space. @modules and @source must outlive it; @source is
 * copied. Nothing is read until the first space_refresh().
 */
struct space *space_new(struct modules *modules,
			const struct image_source *source);
void space_free(struct space *space);

/*
 * A copy for a forked child: same mappings with the same ids, its own
 * @source.
 */
struct space *space_fork(const struct space *parent,
			 const struct image_source *source);

/* Where paths of the process begin, for the modules opened from now on. */
void space_set_root(struct space *space, const struct image_root *root);

/*
 * Read the maps again, and open the files of new executable mappings. False
 * if they cannot be read (the process is gone): the old table stays.
 */
bool space_refresh(struct space *space);

/* As space_refresh(), from text in the format of /proc/PID/maps. */
void space_update(struct space *space, const char *text, size_t len);

/* The process called exec: all mappings are gone (they stay in the list). */
void space_reset(struct space *space);

/* Is nothing mapped in these @len bytes? */
bool space_is_free(const struct space *space, taddr start, uint64_t len);

/* The live mapping that holds @addr, or NULL. */
const struct mapping *space_find(const struct space *space, taddr addr);

/* All mappings ever seen, ids 0 .. n-1. */
const struct mapping *space_mapping(const struct space *space, uint32_t id);
uint32_t space_n_mappings(const struct space *space);

uint64_t space_generation(const struct space *space);
const struct modules *space_modules(const struct space *space);

/* Memory of the process, through its source; bytes read, or -1. */
ssize_t space_read_memory(const struct space *space, taddr addr, void *buf,
			  size_t len);

/* The vaddr of @addr in @mapping's module; false if it has none. */
bool mapping_vaddr(const struct mapping *mapping, taddr addr,
		   uint64_t *out_vaddr);

#endif
