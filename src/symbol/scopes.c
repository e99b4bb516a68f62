/* SPDX-License-Identifier: MIT */
/*
 * scopes.c - collect address ranges of functions and inlined calls.
 *
 * dwarf_getscopes() walks a whole unit for each address; here each part of
 * the tree is walked once. Functions within functions (GNU C, Ada, local
 * classes) are rare, so they are looked for only when an address of the unit
 * is in no other function.
 */
#include "symbol/scopes.h"

#include <dwarf.h>

#define SCOPE_MAX_DEPTH 400 /* nested entries; more is no real program */

void scope_unit_init(struct scope_unit *unit, Dwarf_Die *die,
		     Dwarf_Die *detail)
{
	*unit = (struct scope_unit){
		.die = *die,
		.detail = *detail,
		.language = dwarf_srclang(detail),
		.functions = VEC_OF(struct scope_tree),
	};
	range_index_init(&unit->index);
}

static void scope_unit_forget(struct scope_unit *unit)
{
	for (size_t i = 0; i < unit->functions.n; i++) {
		struct scope_tree *tree = vec_at(&unit->functions, i);

		vec_clear(&tree->scopes);
		range_index_clear(&tree->index);
	}
	vec_clear(&unit->functions);
	range_index_clear(&unit->index);
}

void scope_unit_clear(struct scope_unit *unit)
{
	scope_unit_forget(unit);
}

void scope_add_ranges(struct range_index *index, Dwarf_Die *die,
		      uint32_t value, uint32_t rank)
{
	struct range range = { .rank = rank, .value = value };
	Dwarf_Addr base;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &range.start,
				  &range.end)) > 0)
		range_index_add(index, &range);
}

static void scope_add_function(struct scope_unit *unit, Dwarf_Die *die,
			       uint32_t depth)
{
	uint32_t id = (uint32_t)unit->functions.n;
	size_t before = unit->index.ranges.n;
	struct scope_tree *tree;
	struct scope *scope;

	scope_add_ranges(&unit->index, die, id, depth);
	if (unit->index.ranges.n == before)
		return; /* a declaration, or never emitted by itself */
	tree = vec_push(&unit->functions);
	tree->scopes = VEC_OF(struct scope);
	range_index_init(&tree->index);
	scope = vec_push(&tree->scopes);
	scope->die = *die;
	scope->parent = scope->name = NO_ID;
}

/* Entries that may hold functions. */
static bool scope_is_container(int tag, bool is_deep)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
		return true;
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_with_stmt:
		return is_deep;
	default:
		return false;
	}
}

static void scope_scan(struct scope_unit *unit, Dwarf_Die *parent,
		       uint32_t depth, bool is_deep)
{
	Dwarf_Die die;

	if (depth > SCOPE_MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			scope_add_function(unit, &die, depth);
		if (scope_is_container(tag, is_deep))
			scope_scan(unit, &die, depth + 1, is_deep);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static void scope_unit_scan(struct scope_unit *unit, bool is_deep)
{
	scope_unit_forget(unit);
	scope_scan(unit, &unit->detail, 0, is_deep);
	range_index_sort(&unit->index);
	unit->is_scanned = true;
	unit->is_deep = is_deep;
}

/* Blocks without code of their own that may hold inlined calls. */
static bool scope_is_block(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

static void scope_expand(struct scope_tree *tree, Dwarf_Die *parent,
			 uint32_t parent_id, uint32_t depth)
{
	Dwarf_Die die;

	if (depth > SCOPE_MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);
		uint32_t id = parent_id;

		if (tag == DW_TAG_inlined_subroutine) {
			struct scope *scope = vec_push(&tree->scopes);

			id = (uint32_t)tree->scopes.n - 1;
			scope->die = die;
			scope->parent = parent_id;
			scope->name = NO_ID;
			scope_add_ranges(&tree->index, &die, id, depth);
		} else if (!scope_is_block(tag)) {
			continue;
		}
		scope_expand(tree, &die, id, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

struct scope_tree *scope_unit_find(struct scope_unit *unit, uint64_t pc)
{
	const struct range *range;
	struct scope_tree *tree;
	Dwarf_Die die;

	if (!unit->is_scanned)
		scope_unit_scan(unit, false);
	range = range_index_find(&unit->index, pc);
	if (!range && !unit->is_deep) {
		scope_unit_scan(unit, true);
		range = range_index_find(&unit->index, pc);
	}
	if (!range)
		return NULL;
	tree = vec_at(&unit->functions, range->value);
	if (!tree->is_expanded) {
		die = ((struct scope *)vec_at(&tree->scopes, 0))->die;
		scope_expand(tree, &die, 0, 0);
		range_index_sort(&tree->index);
		tree->is_expanded = true;
	}
	return tree;
}

uint32_t scope_tree_find(const struct scope_tree *tree, uint64_t pc)
{
	const struct range *range = range_index_find(&tree->index, pc);

	return range ? range->value : 0;
}
