/* SPDX-License-Identifier: MIT */
/*
 * debuginfo.c - answer "what is at this address" from DWARF.
 */
#include "symbol/debuginfo.h"

#include <dwarf.h>

#include "symbol/die.h"
#include "symbol/scopes.h"
#include "symbol/split.h"
#include "util/strbuf.h"

struct debuginfo {
	struct vec units;	 /* struct scope_unit */
	struct range_index index; /* of units */
	struct arena arena;
	struct vec functions;	 /* struct debug_function *, in the arena */
	struct map by_die;	 /* address of an entry -> functions */
	bool lacks_split;
};

static void debuginfo_add_unit(struct debuginfo *info, Dwarf_Die *die,
			       Dwarf_Die *detail)
{
	uint32_t id = (uint32_t)info->units.n;
	size_t before = info->index.ranges.n;

	scope_add_ranges(&info->index, die, id, 0);
	if (info->index.ranges.n != before)
		scope_unit_init(vec_push(&info->units), die, detail);
}

/* Add a unit whose functions are in another file, if that was found. */
static void debuginfo_add_split(struct debuginfo *info, Dwarf_Die *die,
				struct split_unit *unit)
{
	bool is_missing = !unit->detail.addr;

	info->lacks_split |= is_missing;
	debuginfo_add_unit(info, die, is_missing ? die : &unit->detail);
}

struct debuginfo *debuginfo_new(Dwarf *dwarf,
				const struct debug_search *search)
{
	struct debuginfo *info = xcalloc(1, sizeof(*info));
	struct vec split = VEC_OF(struct split_unit);
	Dwarf_CU *cu = NULL;
	size_t n_split = 0;
	Dwarf_Half version;
	Dwarf_Die die;
	uint8_t type;

	info->units = VEC_OF(struct scope_unit);
	info->functions = VEC_OF(struct debug_function *);
	range_index_init(&info->index);
	split_find(dwarf, search, &split);
	while (dwarf_get_units(dwarf, cu, &cu, &version, &type, &die,
			       NULL) == 0) {
		if (type == DW_UT_compile)
			debuginfo_add_unit(info, &die, &die);
		else if (type == DW_UT_skeleton && n_split < split.n)
			debuginfo_add_split(info, &die,
					    vec_at(&split, n_split++));
	}
	vec_clear(&split);
	range_index_sort(&info->index);
	return info;
}

void debuginfo_free(struct debuginfo *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->units.n; i++)
		scope_unit_clear(vec_at(&info->units, i));
	vec_clear(&info->units);
	vec_clear(&info->functions);
	range_index_clear(&info->index);
	map_clear(&info->by_die);
	arena_clear(&info->arena);
	free(info);
}

bool debuginfo_lacks_split(const struct debuginfo *info)
{
	return info->lacks_split;
}

static struct debug_function *debuginfo_describe(struct debuginfo *info,
						 Dwarf_Die *die, int language)
{
	struct debug_function *f = arena_alloc(&info->arena, sizeof(*f));
	CLEANUP(strbuf_clear) struct strbuf name = { 0 };

	f->linkage_name = die_linkage_name(die);
	f->name = die_name(die);
	f->start_line = die_decl_line(die);
	if (f->linkage_name || !f->name || !die_language_qualifies(language))
		return f;
	die_add_qualified_name(die, f->name, &name);
	f->name = arena_copy(&info->arena, name.data, name.len);
	return f;
}

/*
 * The function of @scope. All places where it was inlined share one abstract
 * entry, so each function is described once per unit that mentions it.
 */
static const struct debug_function *
debuginfo_function(struct debuginfo *info, struct scope *scope, int language)
{
	Dwarf_Die die = scope->parent == NO_ID ? scope->die :
						 die_abstract(&scope->die);
	uint64_t key = (uintptr_t)die.addr;

	if (scope->name == NO_ID)
		scope->name = map_get(&info->by_die, key);
	if (scope->name == NO_ID) {
		scope->name = (uint32_t)info->functions.n;
		map_put(&info->by_die, key, scope->name);
		*(struct debug_function **)vec_push(&info->functions) =
			debuginfo_describe(info, &die, language);
	}
	return *(struct debug_function **)vec_at(&info->functions,
						 scope->name);
}

/* @file as an absolute path, if the unit says where it was compiled. */
static const char *debuginfo_path(struct debuginfo *info,
				  struct scope_unit *unit, const char *file)
{
	Dwarf_Attribute attr;
	const char *dir = NULL;
	char *path;

	if (!file || !strcmp(file, "???")) /* libdw's name for file 0 */
		return "";
	if (file[0] == '/' || file[0] == '<')
		return file; /* "<built-in>", "<artificial>" */
	if (dwarf_attr(&unit->die, DW_AT_comp_dir, &attr))
		dir = dwarf_formstring(&attr);
	if (!dir)
		return file;
	path = arena_alloc(&info->arena, strlen(dir) + strlen(file) + 2);
	stpcpy(stpcpy(stpcpy(path, dir), "/"), file);
	return path;
}

static bool debuginfo_line(struct debuginfo *info, struct scope_unit *unit,
			   uint64_t pc, struct debug_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->die, pc);
	int number = 0;

	frame->file = "";
	frame->line = 0;
	if (!line)
		return false;
	frame->file = debuginfo_path(info, unit,
				     dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		frame->line = number;
	return true;
}

/* Where in its caller the call @die was that was inlined. */
static void debuginfo_call(struct debuginfo *info, struct scope_unit *unit,
			   Dwarf_Die *die, struct debug_frame *frame)
{
	uint64_t index = die_number(die, DW_AT_call_file);
	uint64_t line = die_number(die, DW_AT_call_line);
	Dwarf_Files *files;
	const char *file = NULL;
	size_t n;

	if (dwarf_getsrcfiles(&unit->detail, &files, &n) == 0 && index < n)
		file = dwarf_filesrc(files, index, NULL, NULL);
	frame->file = debuginfo_path(info, unit, file);
	frame->line = line <= INT32_MAX ? (int64_t)line : 0;
}

void debuginfo_find(struct debuginfo *info, uint64_t pc, struct vec *out)
{
	const struct range *range = range_index_find(&info->index, pc);
	struct debug_frame at, *frame;
	struct scope_unit *unit;
	struct scope_tree *tree;
	bool has_line;

	out->n = 0;
	if (!range)
		return;
	unit = vec_at(&info->units, range->value);
	has_line = debuginfo_line(info, unit, pc, &at);
	tree = scope_unit_find(unit, pc);
	if (!tree) {
		at.function = NULL;
		if (has_line)
			*(struct debug_frame *)vec_push(out) = at;
		return;
	}
	for (uint32_t id = scope_tree_find(tree, pc); id != NO_ID;) {
		struct scope *scope = vec_at(&tree->scopes, id);

		at.function = debuginfo_function(info, scope, unit->language);
		frame = vec_push(out);
		*frame = at;
		id = scope->parent;
		if (id != NO_ID)
			debuginfo_call(info, unit, &scope->die, &at);
	}
}
