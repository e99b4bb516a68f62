/* SPDX-License-Identifier: MIT */
/*
 * space.c - the address space of one process: its mappings and modules.
 *
 * The live mappings are a sorted array. An update makes a new array: every
 * line of the text takes over the old mapping that started at the same
 * address, if it shows the same thing, and what was not taken over is gone.
 */
#include "image/space.h"

#include "util/mem.h"
#include "image/maps.h"

struct space {
	struct modules *modules;
	struct image_source source;
	struct vec all;	 /* struct mapping *, by id; owned */
	struct vec live; /* struct mapping *, sorted by start */
	struct vec spare; /* uint32_t: ids without code that are gone */
	struct intern paths;
	uint64_t generation;
};

struct space *space_new(struct modules *modules,
			const struct image_source *source)
{
	struct space *space = xcalloc(1, sizeof(*space));

	space->modules = modules;
	space->source = *source;
	space->all = VEC_OF(struct mapping *);
	space->live = VEC_OF(struct mapping *);
	space->spare = VEC_OF(uint32_t);
	intern_init(&space->paths);
	return space;
}

static struct mapping *mapping_at(const struct vec *v, size_t i)
{
	return *(struct mapping **)vec_at(v, i);
}

void space_free(struct space *space)
{
	if (!space)
		return;
	for (size_t i = 0; i < space->all.n; i++)
		free(mapping_at(&space->all, i));
	vec_clear(&space->all);
	vec_clear(&space->live);
	vec_clear(&space->spare);
	intern_clear(&space->paths);
	free(space);
}

/* @path as a string that lives as long as @space. */
static const char *space_keep_path(struct space *space, const char *path,
				   size_t len)
{
	uint32_t id = intern_bytes(&space->paths, path, len);

	return intern_get(&space->paths, id)->bytes;
}

struct space *space_fork(const struct space *parent,
			 const struct image_source *source)
{
	struct space *child = space_new(parent->modules, source);

	for (size_t i = 0; i < parent->all.n; i++) {
		struct mapping **slot = vec_push(&child->all);

		*slot = xmalloc(sizeof(**slot));
		**slot = *mapping_at(&parent->all, i);
		(*slot)->path = space_keep_path(child, (*slot)->path,
						strlen((*slot)->path));
	}
	for (size_t i = 0; i < parent->live.n; i++) {
		uint32_t id = mapping_at(&parent->live, i)->id;
		struct mapping **slot = vec_push(&child->live);

		*slot = mapping_at(&child->all, id);
	}
	for (size_t i = 0; i < parent->spare.n; i++) {
		uint32_t *slot = vec_push(&child->spare);

		*slot = *(uint32_t *)vec_at(&parent->spare, i);
	}
	child->generation = parent->generation;
	return child;
}

/* The first live mapping of @live whose end is above @addr, or live->n. */
static size_t live_search(const struct vec *live, taddr addr)
{
	size_t low = 0, high = live->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mapping_at(live, middle)->end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool space_is_free(const struct space *space, taddr start, uint64_t len)
{
	for (uint32_t id = 0; id < space_n_mappings(space); id++) {
		const struct mapping *m = space_mapping(space, id);

		if (m->is_live && m->start < start + len && m->end > start)
			return false;
	}
	return true;
}

const struct mapping *space_find(const struct space *space, taddr addr)
{
	size_t i = live_search(&space->live, addr);

	if (i < space->live.n && mapping_at(&space->live, i)->start <= addr)
		return mapping_at(&space->live, i);
	return NULL;
}

/* A mapping with an id that is not in use. */
static struct mapping *space_add_mapping(struct space *space,
					 bool is_executable)
{
	struct mapping **slot, *mapping;

	if (!is_executable && space->spare.n > 0) {
		uint32_t id = *(uint32_t *)vec_at(&space->spare,
						  space->spare.n - 1);

		space->spare.n--;
		mapping = mapping_at(&space->all, id);
		*mapping = (struct mapping){ .id = id };
		return mapping;
	}
	mapping = xcalloc(1, sizeof(*mapping));
	mapping->id = (uint32_t)space->all.n;
	slot = vec_push(&space->all);
	*slot = mapping;
	return mapping;
}

static void mapping_fill(struct mapping *mapping, const struct maps_line *line,
			 const char *path)
{
	mapping->is_live = true;
	mapping->is_readable = line->is_readable;
	mapping->is_writable = line->is_writable;
	mapping->is_executable = line->is_executable;
	mapping->is_private = line->is_private;
	mapping->start = line->start;
	mapping->end = line->end;
	mapping->offset = line->offset;
	mapping->dev_major = line->dev_major;
	mapping->dev_minor = line->dev_minor;
	mapping->inode = line->inode;
	mapping->path = path;
	mapping->is_deleted = line->is_deleted;
}

/*
 * Whether @line shows what @mapping showed. The end may have moved (a part
 * was cut off by mprotect, or a neighbour merged), and " (deleted)" may have
 * come: the code at these addresses is the same.
 */
static bool mapping_is_same(const struct mapping *mapping,
			    const struct maps_line *line, const char *path)
{
	return mapping->is_live && mapping->start == line->start &&
	       mapping->is_executable == line->is_executable &&
	       mapping->offset == line->offset &&
	       mapping->dev_major == line->dev_major &&
	       mapping->dev_minor == line->dev_minor &&
	       mapping->inode == line->inode && mapping->path == path;
}

/* The mapping for @line: the old one if it is the same, else a new one. */
static struct mapping *space_take_line(struct space *space,
				       const struct maps_line *line,
				       bool *code_changed)
{
	CLEANUP(free) char *buf = xmalloc(line->path_len + 1);
	size_t len = maps_decode_path(line, buf);
	const char *path = space_keep_path(space, buf, len);
	size_t i = live_search(&space->live, line->start);
	struct mapping *mapping = NULL;

	if (i < space->live.n)
		mapping = mapping_at(&space->live, i);
	if (!mapping || !mapping_is_same(mapping, line, path)) {
		mapping = space_add_mapping(space, line->is_executable);
		*code_changed |= line->is_executable;
		mapping_fill(mapping, line, path);
		if (line->is_executable)
			mapping->module = modules_open(
				space->modules, mapping, &space->source);
		return mapping;
	}
	mapping_fill(mapping, line, path);
	return mapping;
}

static void space_drop_mapping(struct space *space, struct mapping *mapping,
			       bool *code_changed)
{
	uint32_t *slot;

	mapping->is_live = false;
	if (mapping->is_executable) {
		*code_changed = true;
		return;
	}
	slot = vec_push(&space->spare);
	*slot = mapping->id;
}

/* Replace the live table; what is in the old one alone is gone. */
static void space_set_live(struct space *space, struct vec *live,
			   bool *code_changed)
{
	size_t k = 0;

	for (size_t i = 0; i < space->live.n; i++) {
		struct mapping *old = mapping_at(&space->live, i);

		while (k < live->n && mapping_at(live, k)->start < old->start)
			k++;
		if (k < live->n && mapping_at(live, k) == old)
			continue;
		space_drop_mapping(space, old, code_changed);
	}
	vec_clear(&space->live);
	space->live = *live;
	*live = VEC_OF(struct mapping *);
}

void space_update(struct space *space, const char *text, size_t len)
{
	struct vec live = VEC_OF(struct mapping *);
	const char *cursor = text, *end = text + len;
	bool code_changed = false;
	struct maps_line line;
	taddr last_end = 0;

	while (maps_next_line(&cursor, end, &line)) {
		struct mapping **slot;

		/* The kernel prints them in order and without overlap, but a
		 * long text is read in pieces, between which they change. */
		if (line.start < last_end)
			continue;
		last_end = line.end;
		slot = vec_push(&live);
		*slot = space_take_line(space, &line, &code_changed);
	}
	space_set_live(space, &live, &code_changed);
	if (code_changed)
		space->generation++;
}

void space_set_root(struct space *space, const struct image_root *root)
{
	space->source.root = root;
}

bool space_refresh(struct space *space)
{
	CLEANUP(free) char *text = NULL;
	size_t len = 0;

	if (space->source.read_maps)
		text = space->source.read_maps(space->source.ctx, &len);
	/* The maps of a zombie can be read, and are empty. */
	if (!text || len == 0)
		return false;
	space_update(space, text, len);
	return true;
}

void space_reset(struct space *space)
{
	space_update(space, "", 0);
	space->generation++;
}

const struct mapping *space_mapping(const struct space *space, uint32_t id)
{
	return mapping_at(&space->all, id);
}

uint32_t space_n_mappings(const struct space *space)
{
	return (uint32_t)space->all.n;
}

uint64_t space_generation(const struct space *space)
{
	return space->generation;
}

const struct modules *space_modules(const struct space *space)
{
	return space->modules;
}

ssize_t space_read_memory(const struct space *space, taddr addr, void *buf,
			  size_t len)
{
	if (!space->source.read_memory)
		return -1;
	return space->source.read_memory(space->source.ctx, addr, buf, len);
}

bool mapping_vaddr(const struct mapping *mapping, taddr addr,
		   uint64_t *out_vaddr)
{
	if (!mapping->module || !mapping->module->is_elf ||
	    addr < mapping->start || addr >= mapping->end)
		return false;
	return module_vaddr_of_offset(mapping->module,
				      mapping->offset +
					      (addr - mapping->start),
				      out_vaddr);
}
