/* SPDX-License-Identifier: MIT */
/* module.c - ELF files that are mapped somewhere, each opened once. */
#include "image/module.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/io.h"
#include "util/mem.h"
#include "image/elf_headers.h"
#include "image/memory_image.h"
#include "image/space.h"

#define PAGE_BYTES 4096u
/* The image of a vdso has been one or two pages since it exists. */
#define VDSO_BYTES_MAX (64 * 1024u)

/* What makes two mappings show the same file. */
struct module_key {
	uint64_t inode, file_bytes;
	int64_t mtime_s, mtime_ns;
	uint32_t dev_major, dev_minor;
};

void modules_init(struct modules *modules)
{
	*modules = (struct modules){
		.list = VEC_OF(struct module *),
		.key_modules = VEC_OF(uint32_t),
	};
	intern_init(&modules->keys);
}

static void module_free(struct module *module)
{
	if (!module)
		return;
	if (module->fd >= 0)
		close(module->fd);
	free(module->path);
	free(module->image);
	free(module->segments);
	free(module);
}

void modules_clear(struct modules *modules)
{
	for (size_t i = 0; i < modules->list.n; i++)
		module_free(*(struct module **)vec_at(&modules->list, i));
	vec_clear(&modules->list);
	vec_clear(&modules->key_modules);
	intern_clear(&modules->keys);
}

struct module *modules_get(const struct modules *modules, uint32_t id)
{
	return *(struct module **)vec_at(&modules->list, id);
}

/* The module that @key names, or NULL; *@out_key_id is the key's id. */
static struct module *modules_find(struct modules *modules, const void *key,
				   size_t len, uint32_t *out_key_id)
{
	uint32_t id;

	*out_key_id = intern_bytes(&modules->keys, key, len);
	if (*out_key_id >= modules->key_modules.n)
		return NULL;
	id = *(uint32_t *)vec_at(&modules->key_modules, *out_key_id);
	return id == NO_ID ? NULL : modules_get(modules, id);
}

/* From now on the key of @key_id names @module. */
static void modules_bind_key(struct modules *modules, uint32_t key_id,
			     const struct module *module)
{
	while (modules->key_modules.n <= key_id)
		*(uint32_t *)vec_push(&modules->key_modules) = NO_ID;
	*(uint32_t *)vec_at(&modules->key_modules, key_id) = module->id;
}

/* Give @module an id of its own; it belongs to @modules. */
static struct module *modules_add(struct modules *modules,
				  struct module *module)
{
	struct module **slot = vec_push(&modules->list);

	module->id = (uint32_t)(modules->list.n - 1);
	*slot = module;
	return module;
}

static struct module *module_new(const struct mapping *mapping,
				 const struct image_source *source)
{
	struct module *module = xcalloc(1, sizeof(*module));

	module->path = xstrdup(mapping->path);
	module->is_deleted = mapping->is_deleted;
	module->fd = -1;
	module->root = source->root;
	module->is_32_bit = source->takes_32_bit; /* until it is read */
	module->dev_major = mapping->dev_major;
	module->dev_minor = mapping->dev_minor;
	module->inode = mapping->inode;
	return module;
}

/*
 * The vdso has no file: its bytes are its identity, so that all processes
 * share one module.
 */
static struct module *modules_open_vdso(struct modules *modules,
					const struct mapping *mapping,
					const struct image_source *source)
{
	CLEANUP(free) uint8_t *image = NULL;
	uint64_t len = mapping->end - mapping->start;
	ssize_t n = -1;
	struct module *module;
	uint32_t key_id;

	if (len > VDSO_BYTES_MAX)
		return NULL;
	image = xcalloc(1, len);
	if (source->read_memory)
		n = source->read_memory(source->ctx, mapping->start, image,
					len);
	if (n <= 0)
		return NULL;
	module = modules_find(modules, image, len, &key_id);
	if (module)
		return module;
	module = module_new(mapping, source);
	module->image_bytes = len;
	module->image = TAKE(image);
	module_parse_headers(module);
	modules_bind_key(modules, key_id, modules_add(modules, module));
	return module;
}

/*
 * A file that was touched, or is seen through another mount, is still the
 * same one if its build id says so.
 */
static struct module *modules_find_twin(struct modules *modules,
					const struct module *module)
{
	if (!module->build_id_bytes)
		return NULL;
	for (size_t i = 0; i < modules->list.n; i++) {
		struct module *other = modules_get(modules, (uint32_t)i);

		if (other->inode == module->inode &&
		    other->dev_major == module->dev_major &&
		    other->dev_minor == module->dev_minor &&
		    other->file_bytes == module->file_bytes &&
		    other->build_id_bytes == module->build_id_bytes &&
		    !memcmp(other->build_id, module->build_id,
			    module->build_id_bytes))
			return other;
	}
	return NULL;
}

/* The module first seen as this very path of this file, or NULL. */
static struct module *modules_find_path(struct modules *modules,
					const struct mapping *mapping)
{
	for (size_t i = 0; i < modules->list.n; i++) {
		struct module *module = modules_get(modules, (uint32_t)i);

		if (module->inode == mapping->inode &&
		    module->dev_major == mapping->dev_major &&
		    module->dev_minor == mapping->dev_minor &&
		    !strcmp(module->path, mapping->path))
			return module;
	}
	return NULL;
}

static struct module *
modules_open_unreadable(struct modules *modules, const struct mapping *mapping,
			const struct image_source *source)
{
	struct module *module = modules_find_path(modules, mapping);

	if (module)
		return module;
	module = module_new(mapping, source);
	if (memory_image_read(module, mapping, source))
		return modules_add(modules, module);
	free(module->image);
	module->image = NULL;
	module->image_bytes = 0;
	module->fault = "cannot be opened";
	return modules_add(modules, module);
}

static struct module *modules_open_file(struct modules *modules,
					const struct mapping *mapping,
					const struct image_source *source,
					int fd, const struct stat *st)
{
	struct module_key key;
	struct module *module, *twin;
	uint32_t key_id;

	memset(&key, 0, sizeof(key));
	key.inode = mapping->inode;
	key.file_bytes = (uint64_t)st->st_size;
	key.mtime_s = st->st_mtim.tv_sec;
	key.mtime_ns = st->st_mtim.tv_nsec;
	key.dev_major = mapping->dev_major;
	key.dev_minor = mapping->dev_minor;
	module = modules_find(modules, &key, sizeof(key), &key_id);
	if (module) {
		close(fd);
		return module;
	}
	module = module_new(mapping, source);
	module->fd = fd;
	module->file_bytes = key.file_bytes;
	module_parse_headers(module);
	twin = modules_find_twin(modules, module);
	if (twin) {
		module_free(module);
		module = twin;
	} else {
		modules_add(modules, module);
	}
	modules_bind_key(modules, key_id, module);
	return module;
}

struct module *modules_open(struct modules *modules,
			    const struct mapping *mapping,
			    const struct image_source *source)
{
	struct stat st;
	int fd = -1;

	if (!strcmp(mapping->path, "[vdso]"))
		return modules_open_vdso(modules, mapping, source);
	if (mapping->path[0] != '/' || mapping->inode == 0)
		return NULL;
	if (source->open_mapping)
		fd = source->open_mapping(source->ctx, mapping);
	if (fd < 0)
		return modules_open_unreadable(modules, mapping, source);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return modules_open_unreadable(modules, mapping, source);
	}
	return modules_open_file(modules, mapping, source, fd, &st);
}

/* Where file offset @offset lies in @segment, if it is mapped by it. */
static bool segment_vaddr_of_offset(const struct segment *segment,
				    uint64_t offset, bool is_rounded,
				    uint64_t *out_vaddr)
{
	uint64_t start = segment->offset;
	uint64_t end = start + segment->file_bytes;

	if (segment->file_bytes == 0)
		return false;
	if (is_rounded) {
		start -= start % PAGE_BYTES;
		end += (PAGE_BYTES - end % PAGE_BYTES) % PAGE_BYTES;
	}
	if (offset < start || offset >= end)
		return false;
	*out_vaddr = segment->vaddr + (offset - segment->offset);
	return true;
}

bool module_vaddr_of_offset(const struct module *module, uint64_t offset,
			    uint64_t *out_vaddr)
{
	/* One page of the file may be mapped twice, as the end of one segment
	 * and the start of the next: what a segment really holds goes before
	 * what rounding adds, and code before data. */
	for (int pass = 0; pass < 4; pass++) {
		bool is_rounded = pass >= 2, wants_code = pass % 2 == 0;

		for (size_t i = 0; i < module->n_segments; i++) {
			const struct segment *segment = &module->segments[i];

			if (segment->is_executable == wants_code &&
			    segment_vaddr_of_offset(segment, offset,
						    is_rounded, out_vaddr))
				return true;
		}
	}
	return false;
}

ssize_t module_read(const struct module *module, uint64_t vaddr, void *buf,
		    size_t len)
{
	for (size_t i = 0; i < module->n_segments; i++) {
		const struct segment *segment = &module->segments[i];
		uint64_t at = vaddr - segment->vaddr;

		if (vaddr < segment->vaddr || at >= segment->file_bytes)
			continue;
		if (len > segment->file_bytes - at)
			len = segment->file_bytes - at;
		return module_read_offset(module, segment->offset + at, buf,
					  len);
	}
	return -1;
}

/* Is @module the vdso that we have, too? A process may write into its own. */
static bool module_is_our_vdso(const struct module *module)
{
	const Elf64_Ehdr *ours =
		(const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	uint64_t n_bytes;

	if (!ours || !module->image)
		return false;
	/* The table of sections is what it ends with. */
	n_bytes = ours->e_shoff + (uint64_t)ours->e_shnum * ours->e_shentsize;
	return n_bytes <= module->image_bytes &&
	       !memcmp(ours, module->image, n_bytes);
}

bool module_is_trusted(const struct module *module)
{
	struct stat st;

	/* From memory: as good as the target's owner. */
	if (module->fd < 0)
		return geteuid() != 0 || module_is_our_vdso(module);
	return !fstat(module->fd, &st) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

const char *module_path_in_root(const struct module *module)
{
	size_t len = module->root ? strlen(module->root->prefix) : 0;

	if (len && !strncmp(module->path, module->root->prefix, len) &&
	    module->path[len] == '/')
		return module->path + len;
	return module->path;
}

char *module_build_id_text(const struct module *module, char *buf)
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf;

	for (size_t i = 0; i < module->build_id_bytes; i++) {
		*p++ = digits[module->build_id[i] >> 4];
		*p++ = digits[module->build_id[i] & 15];
	}
	*p = '\0';
	return buf;
}
