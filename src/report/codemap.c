/* SPDX-License-Identifier: MIT */
/* codemap.c - where the locations of a profile lie in programs, libraries. */
#include "report/codemap.h"

#include <errno.h>

#include "util/log.h"

struct objfile *codemap_file(const struct codemap *map, uint32_t id)
{
	return vec_at(&map->files, id);
}

/* Is this still the file that was mapped? */
static struct error *check_build_id(const struct objfile *file,
				    const char *wanted)
{
	if (!*wanted || !file->build_id || !strcmp(file->build_id, wanted))
		return NULL;
	return error_new("%s: build id %s, but %s in the profile; it is left "
			 "out", file->path, file->build_id, wanted);
}

/* Open the file of @mapping once; NO_ID if it cannot be. */
static struct error *open_file(struct codemap *map,
			       const struct pp_mapping *mapping,
			       struct map *known, uint32_t *out)
{
	string_id path = mapping->file;
	const char *text = pp_text(map->pp, path);
	struct objfile file;
	struct error *error;

	*out = map_get(known, path);
	if (*out != NO_ID) {
		*out = *out ? *out - 1 : NO_ID;
		return NULL;
	}
	error = objfile_open(text, &file);
	if (!error)
		error = check_build_id(&file,
				       pp_text(map->pp, mapping->build_id));
	if (error) {
		/* "[vdso]" and its like have no file. */
		if (*text == '/')
			log_warning("%s", error_text(error));
		map->n_failed++;
		map_put(known, path, 0);
		error_free(error);
		objfile_clear(&file);
		return NULL;
	}
	*out = (uint32_t)map->files.n;
	*(struct objfile *)vec_push(&map->files) = file;
	map_put(known, path, *out + 1);
	return objfile_read_symbols(codemap_file(map, *out));
}

static struct error *open_files(struct codemap *map, const bool *is_wanted)
{
	struct map known = { 0 }; /* path -> file + 1; 0: cannot be opened */
	struct error *error = NULL;

	for (size_t i = 0; i < map->pp->mappings.n; i++) {
		const struct pp_mapping *m = vec_at(&map->pp->mappings, i);

		map->file_of[i] = NO_ID;
		if (!error && is_wanted[i])
			error = open_file(map, m, &known,
					  &map->file_of[i]);
	}
	map_clear(&known);
	return error;
}

static struct objfile_mapping mapping_of(const struct codemap *map,
					 uint32_t mapping)
{
	const struct pp_mapping *m = vec_at(&map->pp->mappings, mapping);

	return (struct objfile_mapping){ m->start, m->limit, m->offset };
}

static void place_locations(struct codemap *map)
{
	const struct pp *pp = map->pp;

	for (size_t i = 0; i < pp->locations.n; i++) {
		const struct pp_location *l = vec_at(&pp->locations, i);
		uint32_t file = l->mapping == NO_ID ?
					NO_ID : map->file_of[l->mapping];
		struct code_place *place = &map->places[i];
		struct objfile_mapping m;

		place->file = NO_ID;
		if (file == NO_ID)
			continue;
		m = mapping_of(map, l->mapping);
		if (objfile_vaddr(codemap_file(map, file), &m, l->address,
				  &place->vaddr))
			place->file = file;
	}
}

struct error *codemap_make(const struct pp *pp, const bool *is_wanted,
			   struct codemap *out)
{
	struct error *error;

	*out = (struct codemap){
		.pp = pp, .files = VEC_OF(struct objfile),
		.file_of = xcalloc(pp->mappings.n, sizeof(uint32_t)),
		.places = xcalloc(pp->locations.n,
				  sizeof(struct code_place)),
	};
	error = open_files(out, is_wanted);
	if (!error)
		place_locations(out);
	return error;
}

void codemap_clear(struct codemap *map)
{
	for (uint32_t i = 0; i < map->files.n; i++)
		objfile_clear(codemap_file(map, i));
	vec_clear(&map->files);
	free(map->file_of);
	free(map->places);
	*map = (struct codemap){ 0 };
}

bool codemap_has_address(const struct codemap *map, uint32_t file,
			 uint64_t address, uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < map->pp->mappings.n; i++) {
		struct objfile_mapping m = mapping_of(map, i);
		uint64_t vaddr;

		if (map->file_of[i] == file &&
		    objfile_vaddr(codemap_file(map, file), &m, address,
				  &vaddr) &&
		    vaddr >= start && vaddr < end)
			return true;
	}
	return false;
}

struct error *codemap_explain(const struct codemap *map, struct error *error)
{
	for (uint32_t i = 0; i < map->files.n; i++)
		if (!codemap_file(map, i)->symbols.n)
			return error_hint(error, "%s has no symbols; a file "
					  "that was not stripped is needed",
					  codemap_file(map, i)->path);
	return error;
}

uint64_t code_address(const char *text)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	number = strtoull(text, &end, 0);
	return errno || *end ? 0 : number;
}

uint32_t code_find_inst(const struct objfile_code *code, uint64_t vaddr)
{
	size_t n = vec_count_up_to(&code->insts, vaddr);

	if (!code->insts.n)
		return NO_ID;
	return (uint32_t)(n ? n - 1 : 0);
}
