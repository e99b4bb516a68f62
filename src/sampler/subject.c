/* SPDX-License-Identifier: MIT */
/* subject.c - a process as the unwinder sees it. */
#include "sampler/subject.h"

#include <stdio.h>

#include "target/proc.h"
#include "target/tracee.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/log.h"

#define COMPARED_BYTES 4096

void registry_init(struct registry *registry, struct profile *profile)
{
	*registry = (struct registry){
		.profile = profile,
		.places = VEC_OF(struct place),
		.jits = VEC_OF(struct jit *),
		.roots = VEC_OF(struct known_root *),
	};
	modules_init(&registry->modules);
	intern_init(&registry->place_keys);
}

void registry_clear(struct registry *registry)
{
	for (size_t i = 0; i < registry->jits.n; i++)
		jit_free(*(struct jit **)vec_at(&registry->jits, i));
	vec_clear(&registry->jits);
	vec_clear(&registry->places);
	intern_clear(&registry->place_keys);
	profile_free(registry->profile);
	modules_clear(&registry->modules);
	for (size_t i = 0; i < registry->roots.n; i++) {
		struct known_root *known =
			*(struct known_root **)vec_at(&registry->roots, i);

		root_close(&known->root);
		free(known);
	}
	vec_clear(&registry->roots);
}

/* The root of @pid, held as long as @registry; NULL: our own. */
static const struct image_root *registry_root(struct registry *registry,
					      pid_t pid)
{
	struct known_root *known;
	struct root root;

	if (!root_open(&root, pid))
		return NULL;
	for (size_t i = 0; i < registry->roots.n; i++) {
		known = *(struct known_root **)vec_at(&registry->roots, i);
		if (root_is_same(&known->root, &root)) {
			root_close(&root);
			return &known->image;
		}
	}
	known = xcalloc(1, sizeof(*known));
	known->root = root;
	known->image.fd = root.fd;
	known->image.prefix = root.prefix;
	*(struct known_root **)vec_push(&registry->roots) = known;
	return &known->image;
}

/*
 * Does @fd hold what is mapped? Paths may lead to another file with the same
 * inode number, on another device; devices cannot be compared, since btrfs
 * and overlayfs show others in maps than in stat(2). Breakpoints, uprobes and
 * the stub of heap/stub.h change some bytes of the code in memory, another
 * file nearly all.
 */
static bool is_mapped_file(const struct subject *subject,
			   const struct mapping *mapping, int fd)
{
	unsigned char mapped[COMPARED_BYTES], file[COMPARED_BYTES];
	ssize_t n = target_read(subject->tid, mapping->start, mapped,
				sizeof(mapped));
	ssize_t n_file = n <= 0 ? 0 : io_pread_full(fd, file, (size_t)n,
						    (off_t)mapping->offset);
	size_t n_other = 0;

	for (ssize_t i = 0; i < n && i < n_file; i++)
		n_other += mapped[i] != file[i];
	return n_other <= sizeof(mapped) / 8;
}

static int open_mapping(void *ctx, const struct mapping *mapping)
{
	const struct subject *subject = ctx;
	struct mapped_file file = {
		.start = mapping->start,
		.end = mapping->end,
		.path = mapping->path,
		.inode = mapping->inode,
	};
	int fd;

	fd = proc_open_mapped_file(subject->tid, &file);
	if (fd >= 0 && !is_mapped_file(subject, mapping, fd)) {
		log_info("%s is another file than the one that is mapped",
			 mapping->path);
		close(fd);
		fd = -1;
	}
	return fd;
}

static ssize_t read_memory(void *ctx, taddr addr, void *buf, size_t len)
{
	const struct subject *subject = ctx;

	return target_read(subject->tid, addr, buf, len);
}

static char *read_maps(void *ctx, size_t *out_len)
{
	const struct subject *subject = ctx;

	return proc_read_maps(subject->pid, subject->tid, out_len);
}

struct subject *subject_new(struct registry *registry, pid_t pid,
			    const struct subject *parent)
{
	struct subject *subject = xcalloc(1, sizeof(*subject));
	struct image_source source = {
		.open_mapping = open_mapping,
		.read_memory = read_memory,
		.read_maps = read_maps,
		.ctx = subject,
	};

	subject->pid = subject->tid = pid;
	subject->program = NO_ID;
	snprintf(subject->process, sizeof(subject->process), "%d", (int)pid);
	if (parent) {
		memcpy(subject->process, parent->process,
		       sizeof(subject->process));
		subject->parent_jit = parent->jit ? parent->jit
						  : parent->parent_jit;
		subject->parent_pid = parent->pid;
	}
	subject->mappings = VEC_OF(struct placed);
	subject->pool = VEC_OF(struct hit);
	subject->space = parent ? space_fork(parent->space, &source)
				: space_new(&registry->modules, &source);
	return subject;
}

void subject_free(struct subject *subject)
{
	if (!subject)
		return;
	space_free(subject->space);
	free(subject->maps);
	vec_clear(&subject->mappings);
	vec_clear(&subject->pool);
	map_clear(&subject->locations);
	free(subject);
}

static struct jit *registry_add_jit(struct registry *registry, pid_t pid,
				    const struct jit *parent)
{
	struct jit **jit = vec_push(&registry->jits);

	*jit = jit_new(pid, parent);
	return *jit;
}

/* A child runs what its parent made and listed before the fork. */
static const struct jit *find_parent_jit(struct registry *registry,
					 const struct subject *subject)
{
	if (subject->parent_jit || !subject->parent_pid)
		return subject->parent_jit;
	for (size_t i = registry->jits.n; i-- > 0;) {
		const struct jit *jit =
			*(struct jit **)vec_at(&registry->jits, i);

		if (jit->pid == subject->parent_pid)
			return jit;
	}
	return registry_add_jit(registry, subject->parent_pid, NULL);
}

static struct jit *subject_jit(struct registry *registry,
			       struct subject *subject)
{
	if (!subject->jit)
		subject->jit = registry_add_jit(
			registry, subject->pid,
			find_parent_jit(registry, subject));
	return subject->jit;
}

static void add_mapping(struct registry *registry,
			const struct subject *subject,
			const struct mapping *mapping)
{
	struct profile *profile = registry->profile;
	char build_id[2 * BUILD_ID_MAX + 1] = "";
	struct profile_mapping out = {
		.start = mapping->start,
		.limit = mapping->end,
		.offset = mapping->offset,
		.has_functions = true,
		.has_filenames = true,
		.has_line_numbers = true,
		.has_inline_frames = true,
	};
	struct place *place = vec_push(&registry->places);

	*place = (struct place){ 0 };
	if (mapping->module)
		module_build_id_text(mapping->module, build_id);
	out.filename = profile_string(profile, mapping->path[0]
						       ? mapping->path
						       : "//anon");
	out.build_id = profile_string(profile, build_id);
	place->module = mapping->module;
	if (jit_may_own(mapping))
		place->jit = subject->jit;
	place->start = mapping->start;
	place->offset = mapping->offset;
	profile_add_mapping(profile, &out);
}

/*
 * Processes that come and go share the mappings of the profile, and with them
 * its locations: the same part of the same file is the same one wherever it
 * lies, as for those who merge profiles. The key's id is that of the mapping.
 */
static uint32_t place_key(struct registry *registry,
			  const struct subject *subject,
			  const struct mapping *mapping)
{
	struct {
		const void *what; /* the module, or the process */
		uint64_t offset, bytes, start;
		uint32_t path;
	} key;

	memset(&key, 0, sizeof(key));
	key.bytes = mapping->end - mapping->start;
	key.path = profile_string(registry->profile, mapping->path);
	if (mapping->module && mapping->module->is_elf) {
		key.what = mapping->module;
		key.offset = mapping->offset;
	} else {
		key.what = jit_may_own(mapping) ? subject->jit : NULL;
		key.start = mapping->start;
	}
	return intern_bytes(&registry->place_keys, &key, sizeof(key));
}

static struct placed *mapping_in_profile(struct registry *registry,
					 struct subject *subject, uint32_t id)
{
	const struct mapping *mapping = space_mapping(subject->space, id);
	struct placed *placed;
	const struct place *place;

	while (subject->mappings.n <= id)
		((struct placed *)vec_push(&subject->mappings))->id = NO_ID;
	placed = vec_at(&subject->mappings, id);
	if (placed->id != NO_ID)
		return placed;
	if (jit_may_own(mapping))
		subject_jit(registry, subject);
	placed->id = place_key(registry, subject, mapping);
	if (placed->id >= registry->places.n)
		add_mapping(registry, subject, mapping);
	place = vec_at(&registry->places, placed->id);
	placed->shift = place->start - mapping->start;
	return placed;
}

/* What there is now, or, when there is nothing any more, what there was. */
static void subject_read_maps(struct subject *subject)
{
	if (!space_refresh(subject->space) && subject->maps)
		space_update(subject->space, subject->maps,
			     subject->maps_bytes);
}

void subject_take_maps(struct subject *subject,
		       const struct maps_record *maps)
{
	free(subject->maps);
	subject->maps_bytes = maps->n_bytes;
	subject->maps = xmalloc(maps->n_bytes);
	memcpy(subject->maps, maps->text, maps->n_bytes);
	if (subject->is_prepared)
		subject_read_maps(subject);
}

void subject_prepare(struct registry *registry, struct subject *subject,
		     pid_t tid)
{
	subject->tid = tid;
	if (subject->is_prepared)
		return;
	subject->is_prepared = true;
	space_set_root(subject->space, registry_root(registry, subject->pid));
	subject_read_maps(subject);
	subject->fresh_ns = clock_now_ns();
	proc_read_comm(subject->pid, subject->pid, subject->process);
	for (uint32_t id = 0; id < space_n_mappings(subject->space); id++) {
		const struct mapping *mapping =
			space_mapping(subject->space, id);

		if (mapping->is_executable && mapping->module &&
		    mapping->module->is_elf) {
			subject->program = mapping_in_profile(
				registry, subject, id)->id;
			return;
		}
	}
}

void subject_keep_fresh(struct subject *subject)
{
	int64_t now = clock_now_ns();

	if (now - subject->fresh_ns < NS_PER_S)
		return;
	subject->fresh_ns = now;
	space_refresh(subject->space);
}

void subject_count_stack(struct registry *registry, struct subject *subject)
{
	if (++subject->n_stacks <= registry->most_stacks ||
	    subject->program == NO_ID)
		return;
	registry->most_stacks = subject->n_stacks;
	registry->profile->main_mapping = subject->program;
}

/* User addresses have 47 bits; 16 more tell the mapping. 0: no key. */
static uint64_t location_key(uint32_t mapping_id, taddr addr)
{
	if (mapping_id + 1 >= 1u << 16 || addr >> 47)
		return 0;
	return addr ^ (uint64_t)(mapping_id + 1) << 47;
}

location_id subject_location(struct registry *registry,
			     struct subject *subject, uint32_t mapping_id,
			     taddr addr, bool is_guessed)
{
	uint64_t key = location_key(mapping_id, addr);
	location_id location = key ? map_get(&subject->locations, key) : NO_ID;
	struct placed placed = { .id = NO_ID };

	if (location != NO_ID)
		return location;
	if (mapping_id != NO_ID)
		placed = *mapping_in_profile(registry, subject, mapping_id);
	location = profile_location(registry->profile, placed.id,
				    addr + placed.shift, is_guessed);
	if (key)
		map_put(&subject->locations, key, location);
	return location;
}

void subject_locate(struct registry *registry, struct subject *subject,
		    const struct frames *frames, struct vec *out)
{
	const struct frame *frame = frames->list.data;
	location_id *ids;

	vec_reserve(out, out->n + frames->list.n);
	ids = (location_id *)out->data + out->n;
	for (size_t i = 0; i < frames->list.n; i++, frame++) {
		uint64_t key = location_key(frame->mapping_id, frame->addr);
		struct location_memo *memo = &subject->memo[
			(key ^ key >> 9 ^ key >> 18) % LOCATION_MEMO];

		if (!key || memo->key != key) {
			memo->location = subject_location(
				registry, subject, frame->mapping_id,
				frame->addr, frame->flags & FRAME_GUESSED);
			memo->key = key;
		}
		ids[i] = memo->location;
	}
	out->n += frames->list.n;
}
